import gzip
import json
import os
from pathlib import Path

import pytest
import zstandard

from lmcompare.errors import InputError
from lmcompare.text.reading import decode, read_blocks, read_bytes, read_lines, read_records, split_lines

LINES = ["one", "", "  zwei  ", "三", "🙂"]
TEXT = "\n".join(LINES) + "\n"


def pack(data: bytes, packing: str) -> bytes:
    if packing == ".gz":
        return gzip.compress(data)
    return zstandard.ZstdCompressor(write_checksum=True).compress(data) if packing == ".zst" else data


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_lines_are_the_same_however_they_are_packed(packing: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.txt{packing}"
    path.write_bytes(pack(TEXT.encode(), packing))
    assert read_lines(path) == LINES


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_packed_parts_one_after_the_other_are_one_text(packing: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.txt{packing}"
    path.write_bytes(pack(b"one\n", packing) + pack(b"two\n" * 300_000, packing) + pack(b"end\n", packing))
    lines = read_lines(path)
    assert (lines[0], lines[1], lines[-1], len(lines)) == ("one", "two", "end", 300_002)


def test_a_skippable_zstandard_frame_is_skipped(tmp_path: Path) -> None:
    frame = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"
    (tmp_path / "a.txt.zst").write_bytes(frame + pack(b"one\n", ".zst") + frame)
    assert read_lines(tmp_path / "a.txt.zst") == ["one"]


def test_windows_line_ends_and_a_byte_order_mark_are_no_text() -> None:
    assert split_lines(decode(b"\xef\xbb\xbfone\r\n\r\ntwo \r\n", "x")) == ["one", "", "two "]


def test_only_line_feeds_end_lines() -> None:
    assert split_lines("a\x0bb\x0cc\x85d\u2028e\u2029f\x1cg\rh") == ["a\x0bb\x0cc\x85d\u2028e\u2029f\x1cg\rh"]


def test_an_unfinished_last_line_is_a_line_and_an_empty_one_is_not() -> None:
    assert split_lines("a\nb") == ["a", "b"]
    assert split_lines("a\n\n") == ["a", ""]
    assert split_lines("") == []


def test_a_line_of_ten_million_characters_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 10_000_000)
    assert [len(line) for line in read_lines(tmp_path / "a.txt")] == [10_000_000]


@pytest.mark.parametrize(
    ("data", "line", "byte", "value"),
    [
        (b"good\nbad \xff\n", 2, 9, "0xFF"),
        (b"\xef\xbb\xbfgood\n\xc3(", 2, 8, "0xC3"),  # counted in the file, the mark included
        (b"\xff\xfeo\0n\0", 1, 0, "0xFF"),  # UTF-16 with its mark
        (b"o\0n\0e\0", 1, 1, "0x00"),  # UTF-16 without
        (b"good\n\nbad\0\n", 3, 9, "0x00"),
        (b"surrogate \xed\xa0\x80", 1, 10, "0xED"),
        (b"cut short \xe4\xb8", 1, 10, "0xE4"),
        ("é".encode("latin-1"), 1, 0, "0xE9"),
    ],
)
def test_what_is_not_utf8_is_named_by_line_and_byte(
    data: bytes, line: int, byte: int, value: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    for read in (read_lines, lambda path: list(read_blocks(path, 1))):
        with pytest.raises(InputError) as caught:
            read(path)
        said = str(caught.value)
        assert said.startswith(f"{path}, line {line}: byte {byte} ({value}) is ")
        assert said.endswith("Save the text as UTF-8.")


@pytest.mark.parametrize(("size", "number"), [(0, 4), (4, 3), (100, 1)])
def test_runs_of_lines_are_the_lines(size: int, number: int, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\n\n两\r\n\ufefffour".encode())
    blocks = list(read_blocks(path, size))
    assert b"".join(blocks) == "one\n\n两\r\n\ufefffour\n".encode()
    assert all(block.endswith(b"\n") for block in blocks)
    assert len(blocks) == number


def test_a_file_that_is_absent_empty_or_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "empty.txt.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "empty.txt.zst").write_bytes(pack(b"", ".zst"))
    for name, said in {
        "absent.txt": "there is no such file",
        "empty.txt": "the file is empty",
        "empty.txt.gz": "the file is empty",
        "empty.txt.zst": "the file is empty",
        ".": "cannot read: Is a directory",
    }.items():
        with pytest.raises(InputError, match=said) as caught:
            read_lines(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


def test_a_file_that_must_not_be_read_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, os.strerror(13), str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match="cannot read: Permission denied"):
        read_lines(tmp_path / "a.txt")


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_damaged_packed_file_is_one_sentence(packing: str, tmp_path: Path) -> None:
    whole = pack(os.urandom(5_000), packing)
    path = tmp_path / f"a.txt{packing}"
    changed = whole[:2000] + b"\0" * 50 + whole[2050:]
    for data in (whole[:-9], whole[:3], whole + b"and junk", b"junk", changed):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"not a whole (gzip|Zstandard) file") as caught:
            read_bytes(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_bomb_is_refused_before_it_fills_the_memory(
    packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lmcompare.text.reading._SMALL", 1_000_000)
    path = tmp_path / f"a.txt{packing}"
    path.write_bytes(pack(bytes(50_000_000), packing))
    with pytest.raises(InputError, match=r"unpack to more than .* no packed text"):
        read_bytes(path)
    path.write_bytes(pack(TEXT.encode() * 1000, packing))
    assert len(read_lines(path)) == 5 * 1000


def records(path: Path, *values: object) -> Path:
    lines = [value if isinstance(value, str) else json.dumps(value) for value in values]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_each_record_is_the_lines_of_its_field(tmp_path: Path) -> None:
    path = records(tmp_path / "a.jsonl", {"text": "a\r\nb\n", "n": 1}, "", {"text": "三"}, {"text": ""})
    assert read_records(path, "text") == [["a", "b"], ["三"], []]
    path = records(tmp_path / "a.jsonl", {"body": "x", "text": 3})
    assert read_records(path, "body") == [["x"]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "x"', "line 2: not JSON"),
        ("[1]", "line 2: not a JSON object"),
        ('"text"', "line 2: not a JSON object"),
        ('{"text": 3, "title": "x"}', r"no text in the field 'text'\. Set `field` to one of: title"),
        ('{"n": 3}', "no text in the field 'text'"),
        ('{"text": null}', "no text in the field 'text'"),
        ('{"text": "ab\\ud800"}', "line 2: character 3 of 'text' is half of a surrogate pair"),
        ("[" * 100_000, "line 2: not JSON that can be read"),
        ('{"n": ' + "9" * 5000 + "}", "line 2: not JSON that can be read"),
    ],
)
def test_a_bad_record_is_named_by_its_line(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_records(records(tmp_path / "a.jsonl", {"text": "good"}, line), "text")


def test_a_whole_pair_of_surrogates_is_one_character(tmp_path: Path) -> None:
    assert read_records(records(tmp_path / "a.jsonl", '{"text": "\\ud83d\\ude42"}'), "text") == [["🙂"]]

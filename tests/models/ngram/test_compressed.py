import io
from pathlib import Path

import pytest

from lmcompare.errors import InputError
from lmcompare.models.ngram.compressed import packing, read_unpacked, whole_file

CONTENT = b"some text that is packed\n" * 400
SUFFIXES = [".gz", ".bz2", ".xz"]


def packed(suffix: str) -> bytes:
    inner = io.BytesIO()
    with packing(inner, suffix) as file:  # type: ignore[union-attr]
        file.write(CONTENT)
    return inner.getvalue()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_packed_is_smaller_and_comes_back_whatever_the_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(packed(suffix))
    assert path.stat().st_size < len(CONTENT) / 10
    assert read_unpacked(path) == CONTENT


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_content_gives_the_same_bytes(suffix: str) -> None:
    assert packed(suffix) == packed(suffix)


def test_other_names_are_not_packed_and_plain_files_are_read_as_they_are(tmp_path: Path) -> None:
    assert packing(io.BytesIO(), ".arpa") is None
    (tmp_path / "plain").write_bytes(CONTENT)
    assert read_unpacked(tmp_path / "plain") == CONTENT


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:14] + b"\0" * 9 + data[23:]])
def test_a_cut_off_or_damaged_file_is_one_clear_sentence(tmp_path: Path, suffix: str, damage: object) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(damage(packed(suffix)))  # type: ignore[operator]
    with pytest.raises(InputError, match="the file cannot be read: .") as caught:
        read_unpacked(path)
    assert str(path) in str(caught.value)


def test_a_folder_or_a_missing_file_is_one_clear_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="the file cannot be read: .*irectory"):
            read_unpacked(path)


@pytest.mark.parametrize("suffix", ["", *SUFFIXES])
def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new" / f"file{suffix}"
    with pytest.raises(KeyError), whole_file(path) as file:
        file.write(CONTENT)
        raise KeyError
    assert list(path.parent.iterdir()) == []
    with whole_file(path) as file:
        file.write(CONTENT)
    assert [path] == list(path.parent.iterdir()) and read_unpacked(path) == CONTENT
    (tmp_path / "occupied").write_text("")
    with pytest.raises(InputError, match="cannot write"), whole_file(tmp_path / "occupied" / "file"):
        pass

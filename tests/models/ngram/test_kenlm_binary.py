import struct
from pathlib import Path

import pytest

from lmcompare.errors import InputError
from lmcompare.models.ngram.kenlm_binary import binary_counts, binary_words, is_binary

MAGIC = b"mmap lm http://kheafield.com/code format version 5\n\0"
WORDS = ["<unk>", "<s>", "</s>", "größe", "a<unk>", "b"]


def binary(
    path: Path, counts: list[int], words: list[str] | None, middle: bytes = b"\0\1<unk>\2" * 9
) -> Path:
    """What opens and what closes a file of KenLM's build_binary; no model that KenLM could read."""
    mark = MAGIC.ljust(56, b"\0")
    tests = struct.pack("<3f3IQ", 0.0, 1.0, -0.5, 1, 2**32 - 1, 0, 1)
    parameters = struct.pack("<B3xfI?3xI", len(counts), 1.5, 0, words is not None, 0)
    listed = b"".join(word.encode() + b"\0" for word in words or [])
    path.write_bytes(mark + tests + parameters + struct.pack(f"<{len(counts)}Q", *counts) + middle + listed)
    return path


def test_a_binary_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    assert is_binary(binary(tmp_path / "model.bin", [6], WORDS))
    (tmp_path / "text").write_text("\\data\\\n")
    assert not is_binary(tmp_path / "text")
    assert not is_binary(tmp_path) and not is_binary(tmp_path / "none")


@pytest.mark.parametrize("counts", [[6, 12, 9], [5, 12, 9]])  # a model without <unk> is given one, uncounted
def test_counts_and_words_are_those_of_the_header_and_of_the_end(tmp_path: Path, counts: list[int]) -> None:
    path = binary(tmp_path / "model.bin", counts, WORDS)
    assert binary_counts(path) == counts
    assert binary_words(path) == ["größe", "a<unk>", "b"]


@pytest.mark.parametrize("counts", [[6, 12], [], [600]])
def test_a_binary_without_its_words_is_one_clear_sentence(tmp_path: Path, counts: list[int]) -> None:
    path = binary(tmp_path / "model.bin", counts, None if counts != [600] else WORDS)
    with pytest.raises(InputError, match="does not end with its words.*Name a file with one word a line"):
        binary_words(path)


def test_a_binary_that_was_cut_off_in_its_header_has_no_counts(tmp_path: Path) -> None:
    path = binary(tmp_path / "model.bin", [6, 12], WORDS)
    for length in (60, 100, 110):
        (tmp_path / "cut.bin").write_bytes(path.read_bytes()[:length])
        assert binary_counts(tmp_path / "cut.bin") == []
        with pytest.raises(InputError, match="does not end with its words"):
            binary_words(tmp_path / "cut.bin")


def test_words_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = binary(tmp_path / "model.bin", [6], WORDS)
    path.write_bytes(path.read_bytes().replace("ö".encode(), b"\xf6"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        binary_words(path)

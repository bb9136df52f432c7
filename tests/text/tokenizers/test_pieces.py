from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmcompare.errors import InputError
from lmcompare.text.reading import read_lines
from lmcompare.text.tokenizers import pieces
from lmcompare.text.tokenizers.options import TokenizerOptions
from lmcompare.text.tokenizers.word import WordTokenizer

BLANKS = "".join(chr(c) for c in range(0x3001) if chr(c).isspace() and chr(c) != "\n")
SENTENCE = st.text(
    st.sampled_from("ab\0é我𝄞" + BLANKS) | st.characters(exclude_characters="\n", exclude_categories=["Cs"])
)
LONG = st.sampled_from(["x" * 7, "x" * 8, "x" * 9, "x" * 16, "x" * 17, "x" * 16 + "y", "x" * 40, "我" * 6])
SENTENCES = st.lists(SENTENCE | st.lists(LONG | SENTENCE).map(" ".join), max_size=12)


def split(sentences: list[str]) -> list[str]:
    return [word for sentence in sentences for word in [*sentence.split(), "\n"]]


@given(SENTENCES)
@settings(deadline=None, max_examples=300)
def test_pieces_are_those_of_str_split_numbered_by_first_occurrence(sentences: list[str]) -> None:
    expected = split(sentences)
    numbers, words = pieces.cut("".join(sentence + "\n" for sentence in sentences).encode())
    assert [words[number] for number in numbers] == expected
    assert words == list(dict.fromkeys(expected))


def test_many_words_keep_apart_whatever_slots_they_share() -> None:
    rng = np.random.default_rng(3)
    sentences = [" ".join(f"w{n}" for n in rng.integers(0, 50_000, 25)) for _ in range(8000)]
    numbers, words = pieces.cut("\n".join([*sentences, ""]).encode())
    assert [words[number] for number in numbers] == split(sentences)


@given(SENTENCES, st.integers(1, 2), st.integers(1, 40))
@settings(deadline=None, max_examples=100)
def test_learning_is_training_and_encoding_at_once(sentences: list[str], rare: int, block: int) -> None:
    options = TokenizerOptions(kind="word", min_count=rare)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "BLOCK", block)
        if not any(sentence.split() for sentence in sentences):
            with pytest.raises(InputError, match="no word"):
                WordTokenizer.learn(options, sentences)
            return
        learnt, ids = WordTokenizer.learn(options, sentences)
        trained = WordTokenizer.train(options, sentences)
    assert learnt.fingerprint == trained.fingerprint
    np.testing.assert_array_equal(ids, trained.encode_document(sentences))
    apart = [np.append(trained.encode(sentence).ids, trained.eos) for sentence in sentences]
    np.testing.assert_array_equal(ids, np.concatenate(apart))


@pytest.mark.parametrize(
    "text",
    ["one two\n\ntwo x\n", "a\r\n\r\nb\r\n", "\ufeffone\ntwo", "one\ntwo\r", "\n\nw\u2028w\n", "a" * 99],
)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_file_is_learnt_as_its_lines_are(
    text: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lmcompare.text.tokenizers.word.BLOCK", size)
    path, options = tmp_path / "a.txt", TokenizerOptions(kind="word")
    path.write_bytes(text.encode())
    of_lines, ids = WordTokenizer.learn(options, read_lines(path))
    of_file, same = WordTokenizer.learn_file(options, path)
    assert of_file.entries == of_lines.entries
    np.testing.assert_array_equal(same, ids)

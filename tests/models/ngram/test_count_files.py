import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tiny_texts import TEXTS, document, from_seed, word_tokenizer

from lmcompare.errors import InputError
from lmcompare.interface import Ids, Tokenizer
from lmcompare.models.ngram.count_files import read_counts, write_counts
from lmcompare.models.ngram.counts import Level, count, lay_out
from lmcompare.models.ngram.family import NGRAM, NgramOptions, train_ngram
from lmcompare.registry import Training
from lmcompare.text.tokenizers import TokenizerOptions, build

SENTENCES = [["a", "b", "a"], ["b"], [], ["a", "b", "a", "b"]]


def counted(tokenizer: Tokenizer, documents: list[Ids], order: int) -> list[Level]:
    return count(lay_out(documents, tokenizer.bos, tokenizer.eos), order, tokenizer.size, tokenizer.bos)


def assert_same(found: list[Level], expected: list[Level]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for name in ("prefixes", "words", "suffixes", "counts", "opens"):
            array = getattr(one, name)
            assert name == "words" or array.dtype == getattr(other, name).dtype
            np.testing.assert_array_equal(array, getattr(other, name))


def listed(sentences: list[list[str]], order: int) -> Counter[str]:
    """The lines of a count file by their definition."""
    padded = [["<s>", *words, "</s>"] for words in sentences]
    return Counter(
        " ".join(words[i : i + n])
        for n in range(1, order + 1)
        for words in padded
        for i in range(len(words) - n + 1)
    )


@given(TEXTS, st.integers(2, 4), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=40)
def test_a_text_and_its_counts_are_the_same(
    sentences: list[list[str]], order: int, lower: bool, cut: bool
) -> None:
    tokenizer = word_tokenizer(sentences)
    ids = document(tokenizer, sentences)
    documents = (
        [ids[:-2], ids[-2:]] if cut and len(ids) > 2 else [ids]
    )  # a document may end inside a sentence
    levels = counted(tokenizer, documents, order)
    with pytest.MonkeyPatch.context() as patch:
        content: list[bytes] = []
        patch.setattr("lmcompare.models.ngram.count_files.whole_file", lambda path: _Kept(content))
        patch.setattr("lmcompare.models.ngram.count_files.read_unpacked", lambda path: b"".join(content))
        write_counts(levels, tokenizer, Path("any"), lower=lower)
        assert_same(read_counts(Path("any"), tokenizer, order), levels)


class _Kept:
    """A file in memory: the disk is the slowest part of a hundred tiny files."""

    def __init__(self, content: list[bytes]) -> None:
        self.content = content

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.content.append(data)


def test_each_line_is_an_ngram_with_what_it_occurs(tmp_path: Path) -> None:
    tokenizer = word_tokenizer(SENTENCES)
    write_counts(counted(tokenizer, [document(tokenizer, SENTENCES)], 3), tokenizer, tmp_path / "counts")
    lines = [line.split("\t") for line in (tmp_path / "counts").read_text().splitlines()]
    assert {words: int(times) for words, times in lines} == listed(SENTENCES, 3)
    assert len(lines) == len(listed(SENTENCES, 3))


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("kind", ["word", "char", "byte"])
def test_a_model_of_counts_is_the_model_of_the_text_bit_for_bit(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    lines = [" ".join(words) for seed in (2, 5) for words in from_seed(seed)] + [
        "a <unk> <s> \\ </s>",
        "中 文",
    ]
    tokenizer = build(TokenizerOptions(kind=kind), lines)
    ids, path = tokenizer.encode_document(lines), tmp_path / f"counts{suffix}"
    write_counts(counted(tokenizer, [ids], 4), tokenizer, path, lower=kind == "word")
    for options in ({}, {"smoothing": "katz"}, {"prune": [0, 0, 1]}, {"entropy_prune": 1e-4}):
        options |= {"order": 4}
        one = train_ngram([ids], tokenizer, NgramOptions.model_validate(options))
        other = train_ngram([], tokenizer, NgramOptions.model_validate({**options, "counts": str(path)}))
        np.testing.assert_array_equal(one.tables.logprobs, other.tables.logprobs)
        np.testing.assert_array_equal(one.tables.backoffs, other.tables.backoffs)
        assert one.settings["events"] == other.settings["events"] and one.notes == other.notes


def test_the_family_trains_on_counts_in_place_of_the_text(tmp_path: Path) -> None:
    tokenizer = word_tokenizer(SENTENCES)
    ids = document(tokenizer, SENTENCES)
    for order in (1, 2):
        lines = [f"{gram}\t{times}\n" for gram, times in listed(SENTENCES, 2).items()]
        own = [line for line in lines if len(line.split()) == order + 1]
        (tmp_path / f"{order}.gz").write_bytes(gzip.compress("".join(own).encode()))
    options = NgramOptions(order=2, counts=[str(tmp_path / "1.gz"), str(tmp_path / "2.gz")])
    other = document(tokenizer, [["b", "b"]])
    job = Training(
        options=options, tokenizer=tokenizer, train=[other], valid=[other], seed=1, folder=tmp_path
    )
    model = NGRAM.train(job)
    expected = train_ngram([ids], tokenizer, NgramOptions(order=2))
    np.testing.assert_array_equal(model.tables.logprobs, expected.tables.logprobs)
    model.save(tmp_path / "model")
    assert NGRAM.load(tmp_path / "model").settings["counts"] == options.counts
    assert len((tmp_path / "curve.jsonl").read_text().splitlines()) == 1


def test_a_lower_order_can_be_had_of_the_same_file(tmp_path: Path) -> None:
    tokenizer = word_tokenizer(SENTENCES)
    ids = document(tokenizer, SENTENCES)
    write_counts(counted(tokenizer, [ids], 4), tokenizer, tmp_path / "counts")
    assert_same(read_counts(tmp_path / "counts", tokenizer, 2), counted(tokenizer, [ids], 2))


def test_orders_that_no_sentence_is_long_enough_for_have_no_ngrams(tmp_path: Path) -> None:
    sentences = [["a"], ["b"], ["a"]]
    tokenizer = word_tokenizer(sentences)
    ids = document(tokenizer, sentences)
    write_counts(counted(tokenizer, [ids], 6), tokenizer, tmp_path / "counts")
    assert_same(read_counts(tmp_path / "counts", tokenizer, 6), counted(tokenizer, [ids], 6))
    longer = document(tokenizer, [["a", "b"]])
    write_counts(counted(tokenizer, [longer], 2), tokenizer, tmp_path / "counts")
    with pytest.raises(InputError, match="of up to 2 words, the order is 3. Set order = 2"):
        read_counts(tmp_path / "counts", tokenizer, 3)


def test_words_that_the_tokenizer_does_not_have_are_its_unknown_word(tmp_path: Path) -> None:
    every, few = word_tokenizer(SENTENCES), word_tokenizer([["a"]])
    write_counts(counted(every, [document(every, SENTENCES)], 3), every, tmp_path / "counts")
    expected = counted(few, [document(few, SENTENCES)], 3)
    assert_same(read_counts(tmp_path / "counts", few, 3), expected)
    (tmp_path / "google").write_text("a\t3\nx\t5\n<S> a\t2\nx x\t3\na </S>\t1\n</S>\t9\n")
    levels = read_counts(tmp_path / "google", few, 2)
    assert levels[0].counts.tolist() == [0, 9, 5, 3]
    assert dict(
        zip(zip(levels[1].prefixes, levels[1].words, strict=True), levels[1].counts, strict=True)
    ) == {
        (0, 3): 2,
        (2, 2): 3,
        (3, 1): 1,
    }


def test_how_much_of_the_counts_is_unknown_is_told(tmp_path: Path) -> None:
    every, few = word_tokenizer(SENTENCES), word_tokenizer([["a"]])
    write_counts(counted(every, [document(every, SENTENCES)], 2), every, tmp_path / "counts")
    options = NgramOptions(order=2, counts=str(tmp_path / "counts"))
    told = "33.33% of the 12 events in the counts are words that are unknown here"  # 4 "b", 4 "a", 4 ends
    assert told not in train_ngram([], every, options).notes
    assert train_ngram([], few, options).notes[-1] == told
    job = Training(options, few, train=[], valid=[], seed=1, folder=tmp_path)
    assert NGRAM.train(job).notes[-1] == told


def test_counts_that_were_cut_off_pass(tmp_path: Path) -> None:
    tokenizer = word_tokenizer(SENTENCES)
    (tmp_path / "counts").write_text("a\t4\nb\t4\n</s>\t4\na b\t3\nb a\t2\na b a\t2\n")
    model = train_ngram([], tokenizer, NgramOptions(order=3, counts=str(tmp_path / "counts")))
    contexts = np.arange(len(model.tables.backoffs))
    np.testing.assert_allclose(np.exp(model.tables.distributions(contexts)).sum(axis=1), 1, atol=1e-6)


GOOD = "a\t2\nb\t3\n</s>\t3\n<s> a\t1\na b\t2\n"
FAULTS = [
    (GOOD + "b\n", 6, "expected words and a count"),
    (GOOD + "\n\n7\n", 8, "expected words and a count"),
    (GOOD + "b </s> x\n", 6, "'x' is not a count from 1 to 2,147,483,647"),
    (GOOD + "b </s>\t0\n", 6, "'0' is not a count"),
    (GOOD + "b </s>\t-1\n", 6, "'-1' is not a count"),
    (GOOD + "b </s>\t1.5\n", 6, "'1.5' is not a count"),
    (GOOD + "b </s>\t2147483648\n", 6, "'2147483648' is not a count"),
    (GOOD + f"b </s>\t{'9' * 40}\n", 6, "is not a count"),
    (GOOD + "a b\t2\n", 6, "the n-gram stands twice"),
    (GOOD + "a <s>\t1\n", 6, "a sentence starts or ends inside the n-gram"),
    (GOOD + "</s> a\t1\n", 6, "a sentence starts or ends inside the n-gram"),
    (GOOD + "a a a\t1\n", 6, "the first 2 words are not listed as an n-gram of order 2"),
    (GOOD + "a b b\t1\n", 6, "the last 2 words are not listed as an n-gram of order 2"),
    ("a\t2\n<s> a\t1\na b\t1\n", 3, "a word is not listed as an n-gram of order 1"),
    (GOOD + "b </s>\t4\n", 2, "occurs 3 times, those that begin with it and have a word more 4 times"),
    (GOOD + "b b\t2\n", 2, "occurs 3 times, those that end with it and have a word more 4 times"),
    (GOOD + "<s>\t1\n<s> b\t1\n", 6, "occurs 1 times, those that begin with it and have a word more 2 times"),
    ("a b\t2147483647\nb b\t9\n", None, "occurs 2,147,483,656 times, more than 2,147,483,647"),
    ("\n \n", None, "the files list no n-gram"),
    ("", None, "the files list no n-gram"),
]


@pytest.mark.parametrize(("text", "line", "what"), FAULTS)
def test_a_file_of_no_text_is_refused_with_file_and_line(
    tmp_path: Path, text: str, line: int | None, what: str
) -> None:
    tokenizer = word_tokenizer([["a", "b"]])
    (tmp_path / "counts").write_text(text)
    (tmp_path / "empty").write_text("\n\n")
    place = f"counts, line {line}: " if line else "counts"
    for paths in ([tmp_path / "counts"], [tmp_path / "empty", tmp_path / "counts"]):
        with pytest.raises(InputError) as caught:
            read_counts(paths, tokenizer, 3 if "2 words are" in what else 2)
        assert what in str(caught.value) and place in str(caught.value), str(caught.value)


def test_text_that_is_not_utf8_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = word_tokenizer([["a", "b"]])
    (tmp_path / "counts").write_bytes(GOOD.encode() + "größe\t1\n".encode() + "größe\t1\n".encode("latin-1"))
    for chunk in (1 << 24, 8):
        monkeypatch.setattr("lmcompare.models.ngram.count_files._CHUNK", chunk)
        with pytest.raises(InputError, match="counts, line 7: a word is not UTF-8 text"):
            read_counts(tmp_path / "counts", tokenizer, 2)


def test_a_token_that_cannot_be_unknown_is_named(tmp_path: Path) -> None:
    tokenizer = build(TokenizerOptions(kind="byte"), [])
    (tmp_path / "counts").write_text("ab\t1\n")
    with pytest.raises(InputError, match="line 1: 'ab' is no token of the tokenizer"):
        read_counts(tmp_path / "counts", tokenizer, 1)


def test_no_file_and_an_unreadable_one_are_one_clear_sentence(tmp_path: Path) -> None:
    tokenizer = word_tokenizer([["a"]])
    with pytest.raises(InputError, match="no file of counts is named"):
        read_counts([], tokenizer, 1)
    with pytest.raises(InputError, match="absent"):
        read_counts(tmp_path / "absent", tokenizer, 1)


def test_discounts_of_lmplz_need_the_text() -> None:
    with pytest.raises(ValidationError, match="needs the text, and does not go with counts"):
        NgramOptions(counts="any", discounts="lmplz")
    with pytest.raises(ValidationError):
        NgramOptions(counts=[])

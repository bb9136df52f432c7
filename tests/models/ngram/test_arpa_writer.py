import math
from pathlib import Path

import numpy as np
import pytest
from arpa_files import (
    FOUND,
    SMALL,
    arpa_text,
    assert_scored_as_by_kenlm,
    kenlm_model,
    random_sentences,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lmplz_files import REFERENCE, present
from tiny_texts import PRUNING, TEXTS, document, from_seed, word_tokenizer

from lmcompare.errors import InputError
from lmcompare.models.ngram import arpa_writer
from lmcompare.models.ngram.arpa import list_words, ngram_counts, read_arpa
from lmcompare.models.ngram.arpa_writer import write_arpa
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.spelling import names
from lmcompare.text.tokenizers import TokenizerOptions, build

LINES = [" ".join(words) for seed in (2, 5, 9) for words in from_seed(seed)]
STRANGE = ["<s> a\\b <unk> </s>", "\\<unk> a\\b größe 你好", "<UNK> \\{20} a\\b", "é <unk> a"]


def trained(kind: str, lines: list[str], **options: object) -> NgramModel:
    tokenizer = build(TokenizerOptions(kind=kind), lines)
    return train_ngram([tokenizer.encode_document(lines)], tokenizer, NgramOptions(**options))  # type: ignore[arg-type]


def same_bits(model: NgramModel, again: NgramModel) -> None:
    """All tables equal to the bit, where ids are numbered alike; orders without n-grams aside."""
    a, b = model.tables, again.tables
    filled = int(np.flatnonzero(np.diff(b.levels))[-1])
    np.testing.assert_array_equal(a.levels[: filled + 2], b.levels[: filled + 2])
    assert a.levels[-1] == b.levels[-1]
    for name in ("words", "logprobs"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for name in ("starts", "backoffs", "suffixes"):
        kept = len(getattr(b, name))
        np.testing.assert_array_equal(getattr(a, name)[:kept], getattr(b, name))
    assert not np.any(a.backoffs[len(b.backoffs) :])


@given(TEXTS, st.integers(1, 5), PRUNING, st.booleans())
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_model_that_is_written_and_read_has_the_same_bits(
    tmp_path: Path, sentences: list[list[str]], order: int, prune: list[int] | None, interpolate: bool
) -> None:
    tokenizer = word_tokenizer(sentences)
    prune = prune[:order] if prune else None
    options = NgramOptions(order=order, prune=prune, interpolate_unigrams=interpolate)
    model = train_ngram([document(tokenizer, sentences)], tokenizer, options)
    write_arpa(model, tmp_path / "model.arpa")
    again = read_arpa(tmp_path / "model.arpa")
    same_bits(model, again)
    assert again.tokenizer.fingerprint == tokenizer.fingerprint


@pytest.mark.parametrize("name", ["ewt.3", "gsd.3", "tiny.4.fallback"])
def test_a_file_of_lmplz_that_is_read_and_written_has_the_same_bits(name: str, tmp_path: Path) -> None:
    model = read_arpa(present(REFERENCE / f"{name}.arpa.gz"))
    write_arpa(model, tmp_path / "again.arpa")
    same_bits(model, read_arpa(tmp_path / "again.arpa"))


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
def test_packed_files_hold_the_same_model_the_same_bytes_and_are_read_by_kenlm(
    tmp_path: Path, suffix: str
) -> None:
    model = trained("word", LINES, order=3)
    paths = [tmp_path / f"{name}.arpa{suffix}" for name in "ab"]
    for path in paths:
        write_arpa(model, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    same_bits(model, read_arpa(paths[0]))
    assert_scored_as_by_kenlm(model, kenlm_model(paths[0]), random_sentences(model.tokenizer, 60))


@pytest.mark.parametrize("order", [2, 5])
@pytest.mark.parametrize("kind", ["byte", "char", "word", "bpe"])
def test_every_token_of_every_tokenizer_is_scored_by_kenlm_as_here(
    kind: str, order: int, tmp_path: Path
) -> None:
    lines = LINES[:40] + STRANGE
    options = TokenizerOptions(kind=kind, size=300) if kind == "bpe" else TokenizerOptions(kind=kind)
    tokenizer = build(options, lines)
    model = train_ngram([tokenizer.encode_document(lines)], tokenizer, NgramOptions(order=order))
    write_arpa(model, tmp_path / "model.arpa")
    theirs, words = kenlm_model(tmp_path / "model.arpa"), names(tokenizer)
    random = np.random.default_rng(0)
    allowed = np.setdiff1d(np.arange(tokenizer.size), [tokenizer.bos, tokenizer.eos])
    texts = [tokenizer.encode(line).ids for line in lines]
    texts += [random.permutation(allowed), random.choice(allowed, 300)]
    for ids in texts:
        ours = model.score([np.append(ids, tokenizer.eos)])[0] / math.log(10)
        found = list(theirs.full_scores(" ".join(words[index] for index in ids)))
        np.testing.assert_allclose(ours, [p for p, _, _ in found], rtol=0, atol=2e-6)
        assert not any(oov and index != tokenizer.unk for index, (_, _, oov) in zip(ids, found, strict=False))


def test_words_spelled_like_special_signs_come_back_as_words(tmp_path: Path) -> None:
    model = trained("word", STRANGE, order=2)
    write_arpa(model, tmp_path / "model.arpa")
    content = (tmp_path / "model.arpa").read_text()
    assert "\t\\<unk>\t" in content and "\t\\</s>\t" in content and "\ta\\b\t" in content
    again = read_arpa(tmp_path / "model.arpa")
    assert again.tokenizer.fingerprint == model.tokenizer.fingerprint
    text = model.tokenizer.encode_document(STRANGE)
    np.testing.assert_array_equal(again.score([text])[0], model.score([text])[0])


def test_an_unknown_word_without_probability_is_left_out_and_reads_back_so(tmp_path: Path) -> None:
    model = read_arpa(present(FOUND / "kenlm_test_nounk.arpa"))
    write_arpa(model, tmp_path / "again.arpa")
    content = (tmp_path / "again.arpa").read_text()
    assert "<unk>" not in content and "\nngram 1=36\n" in f"\n{content}"
    same_bits(model, read_arpa(tmp_path / "again.arpa"))


def test_orders_without_ngrams_and_without_weights_below_are_left_out(tmp_path: Path) -> None:
    model = trained("word", ["a", "b"], order=6)
    write_arpa(model, tmp_path / "model.arpa")
    header = (tmp_path / "model.arpa").read_text().split("\n\n")[0].split("\n")
    assert header == ["\\data\\", "ngram 1=5", "ngram 2=4", "ngram 3=2"]
    again = read_arpa(tmp_path / "model.arpa")
    contexts = [np.array([3]), np.array([4, 3])]
    np.testing.assert_array_equal(again.next_logprobs(contexts), model.next_logprobs(contexts))


def test_words_with_white_space_of_unicode_and_those_that_stand_for_a_blank_are_written_as_they_were(
    tmp_path: Path,
) -> None:
    words = ["a\xa0b", "中\u3000文", "\\\\{20}", "\\a\\{a0}b", "\\<unk>"]
    ones = ["-2\t<unk>", "-99\t<s>\t0", "-1\t</s>\t0", *(f"-1\t{word}\t0" for word in words)]
    (tmp_path / "wide.arpa").write_bytes(arpa_text(ones, [f"-1\t<s> {words[0]}"]).encode())
    model = read_arpa(tmp_path / "wide.arpa")
    write_arpa(model, tmp_path / "again.arpa")
    same_bits(model, read_arpa(tmp_path / "again.arpa"))
    assert list_words(tmp_path / "again.arpa") == words
    assert read_arpa(tmp_path / "again.arpa").tokenizer.fingerprint == model.tokenizer.fingerprint


def test_a_model_of_characters_that_is_read_and_written_has_the_same_words(tmp_path: Path) -> None:
    write_arpa(trained("char", ["a b\u3000c", "\\ \\{20}"], order=2), tmp_path / "char.arpa")
    words = list_words(tmp_path / "char.arpa")
    assert "\\\\{20}" in words and "\u3000" in words
    write_arpa(read_arpa(tmp_path / "char.arpa"), tmp_path / "again.arpa")
    assert list_words(tmp_path / "again.arpa") == words


def test_an_order_without_ngrams_above_weights_is_written(tmp_path: Path) -> None:
    ones = ["-1.0\t<unk>\t0", "-99\t<s>\t-0.3", "-0.9\t</s>", "-0.5\ta\t-0.2", "-0.7\tb\t0"]
    (tmp_path / "empty.arpa").write_text(arpa_text(ones, []))
    model = read_arpa(tmp_path / "empty.arpa")
    write_arpa(model, tmp_path / "again.arpa")
    assert ngram_counts(tmp_path / "again.arpa") == [5, 0]
    again = read_arpa(tmp_path / "again.arpa")
    same_bits(model, again)
    for path in ("empty.arpa", "again.arpa"):
        assert_scored_as_by_kenlm(again, kenlm_model(tmp_path / path), ["", "a", "a b a", "b x a a"])


def test_bos_is_written_as_is_the_custom(tmp_path: Path) -> None:
    (tmp_path / "small.arpa").write_text(SMALL)
    write_arpa(read_arpa(tmp_path / "small.arpa"), tmp_path / "again.arpa")
    lines = (tmp_path / "again.arpa").read_text().splitlines()
    assert next(line for line in lines if "\t<s>\t" in line).startswith("-99\t<s>\t")


def test_a_file_that_could_not_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.arpa"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arpa_writer, "_write", full)
    with pytest.raises(InputError, match="cannot write: No space left on device. Free some space"):
        write_arpa(trained("word", LINES, order=2), path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.arpa"]
    assert path.read_text() == "old"

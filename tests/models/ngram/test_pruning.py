from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from arpa_files import assert_scored_as_by_kenlm, kenlm_model, random_sentences
from hypothesis import given, settings
from hypothesis import strategies as st
from lmplz_files import SHARED
from tiny_texts import TEXTS, document, from_seed, sentence_ids, word_tokenizer

from lmcompare import laws
from lmcompare.errors import InputError
from lmcompare.models.ngram import weights
from lmcompare.models.ngram.arpa import read_arpa
from lmcompare.models.ngram.arpa_writer import write_arpa
from lmcompare.models.ngram.counts import count, lay_out
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.listed import Grams, grow
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.pruning import (
    history_frequencies,
    history_probabilities,
    prune_tables,
    pruned,
    relative_entropies,
)
from lmcompare.models.ngram.weights import mass
from lmcompare.text.tokenizers import TokenizerOptions, build

EWT = SHARED / "data" / "ud-multilingual" / "en_ewt.train.tok.txt"

METHODS = ["modified-kneser-ney", "kneser-ney", "katz", "witten-bell", "absolute"]
THRESHOLDS = [1e-9, 1e-4, 1e-3, 3e-3, 1e-2, 1.0]


def trained(sentences: list[list[str]], order: int = 3, **options: Any) -> NgramModel:
    tokenizer = word_tokenizer(sentences)
    settings = NgramOptions(order=order, **options)
    return train_ngram([document(tokenizer, sentences)], tokenizer, settings)


def losses(model: NgramModel) -> list[np.ndarray]:
    """The relative entropy of each n-gram, for the orders from 2 on."""
    tables, ends = model.tables, {"bos": model.tokenizer.bos, "eos": model.tokenizer.eos}
    histories = history_probabilities(tables, **ends)
    bounds = [tuple(map(int, tables.levels[n - 1 : n + 1])) for n in range(2, tables.order + 1)]
    return [relative_entropies(mass(tables, first, last), histories[first:last]) for first, last in bounds]


def enumerated_loss(model: NgramModel, node: int) -> float:
    """p(h) KL(p(. | h) || p'(. | h)) word by word, where p' does not list the n-gram at a node."""
    tables, tokenizer = model.tables, model.tokenizer
    context = int(tables.parents[node])
    before = np.exp(tables.distributions(np.array([context]))[0])
    lower = np.exp(tables.distributions(tables.suffixes[[context]])[0])
    others = np.setdiff1d(
        tables.words[tables.starts[context] : tables.starts[context + 1]], tables.words[node]
    )
    unlisted = np.setdiff1d(np.arange(tables.size), others)
    after = before.copy()
    after[unlisted] = lower[unlisted] * (1 - before[others].sum()) / lower[unlisted].sum()
    history = 1.0
    while context:
        parent, word = int(tables.parents[context]), int(tables.words[context])
        word = tokenizer.eos if parent == 0 and word == tokenizer.bos else word
        history *= float(np.exp(tables.distributions(np.array([parent]))[0][word]))
        context = parent
    possible = before > 0
    return history * float(np.sum(before[possible] * np.log(before[possible] / after[possible])))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", [4, 11])
def test_the_loss_of_an_ngram_is_the_relative_entropy_by_enumeration(method: str, seed: int) -> None:
    model = trained(from_seed(seed), smoothing=method)
    found = np.concatenate(losses(model))
    nodes = range(int(model.tables.levels[2]), len(model.tables.words))
    expected = [enumerated_loss(model, node) for node in nodes]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-7)
    assert max(expected) > 1e-3


@given(TEXTS, st.sampled_from(METHODS), st.integers(1, 4), st.sampled_from(THRESHOLDS))
@settings(deadline=None, max_examples=40)
def test_what_stays_matters_or_begins_what_stays_and_all_contexts_sum_to_one(
    sentences: list[list[str]], method: str, order: int, threshold: float
) -> None:
    model = trained(sentences, order, smoothing=method)
    small = pruned(model, threshold)
    tables = small.tables
    assert tables.faults() == ""
    contexts = np.arange(len(tables.backoffs))
    np.testing.assert_allclose(np.exp(tables.distributions(contexts)).sum(axis=1), 1, atol=2e-6)
    expected: set[tuple[int, ...]] = set()
    for n, lost in reversed(list(enumerate(losses(model), 2))):
        grams = map(tuple, model.tables.grams(*map(int, model.tables.levels[n : n + 2])).tolist())
        begun = {gram[:-1] for gram in expected if len(gram) == n + 1}
        expected |= {
            gram
            for gram, loss in zip(grams, lost, strict=True)
            if np.expm1(loss) >= threshold or gram in begun
        }
    assert expected == {
        tuple(gram)
        for n in range(2, order + 1)
        for gram in tables.grams(*map(int, tables.levels[n : n + 2])).tolist()
    }


@given(TEXTS, st.sampled_from(THRESHOLDS))
@settings(deadline=None, max_examples=30)
def test_pruned_tables_are_those_that_their_ngrams_grow(sentences: list[list[str]], threshold: float) -> None:
    tables = pruned(trained(sentences, 4), threshold).tables

    def never(order: int, row: int, what: str) -> NoReturn:
        raise AssertionError(f"{order} {row} {what}")

    grams = []
    for n in range(1, tables.order + 1):
        first, last = map(int, tables.levels[n : n + 2])
        backoffs = tables.backoffs[first:last] if n < tables.order else np.zeros(last - first)
        grams.append(Grams(tables.grams(first, last).reshape(-1, n), tables.logprobs[first:last], backoffs))
    grown = grow(grams, never)
    for field in fields(tables):
        np.testing.assert_array_equal(getattr(grown, field.name), getattr(tables, field.name))


def test_parts_of_the_tables_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained(from_seed(8), 4)
    expected = pruned(model, 1e-3).quantised().tables
    monkeypatch.setattr(weights, "_PART", 5)
    found = pruned(model, 1e-3).quantised().tables
    for field in fields(found):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


def test_a_threshold_of_zero_changes_no_bit() -> None:
    model = trained(from_seed(8), 4)
    same = pruned(model, 0.0).tables
    for field in fields(same):
        np.testing.assert_array_equal(getattr(same, field.name), getattr(model.tables, field.name))


@pytest.mark.parametrize("method", METHODS)
def test_perplexity_of_the_training_text_rises_as_more_is_pruned(method: str) -> None:
    sentences = [words for seed in range(40) for words in from_seed(seed)]
    model = trained(sentences, smoothing=method)
    text = document(model.tokenizer, sentences)
    sizes, scores = [], []
    for threshold in (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2):
        small = pruned(model, threshold)
        sizes.append(len(small.tables.words))
        scores.append(small.score([text])[0].mean())
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) > 3
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("threshold", [1e-4, 3e-3])
def test_every_law_holds_for_a_pruned_model(threshold: float) -> None:
    model = pruned(trained(from_seed(8), 4), threshold)
    results = laws.check(model, tolerance=1e-5)
    assert [(result.law, result.note) for result in results if result.passed is False] == []
    assert model.settings["entropy_prune"] == threshold


def test_kenlm_scores_a_pruned_model_alike(tmp_path: Path) -> None:
    sentences = [words for seed in range(6) for words in from_seed(seed)]
    model = pruned(trained(sentences, 4), 1e-3)
    write_arpa(model, tmp_path / "small.arpa")
    theirs = kenlm_model(tmp_path / "small.arpa")
    assert_scored_as_by_kenlm(model, theirs, random_sentences(model.tokenizer, 200))


def test_a_model_from_an_arpa_file_is_pruned_like_the_one_that_was_written(tmp_path: Path) -> None:
    model = trained(from_seed(8), 4)
    write_arpa(model, tmp_path / "large.arpa")
    again = pruned(read_arpa(tmp_path / "large.arpa"), 1e-3).tables
    np.testing.assert_array_equal(again.words, pruned(model, 1e-3).tables.words)


def test_frequencies_of_histories_are_those_of_the_text() -> None:
    sentences = from_seed(4)
    tokenizer = word_tokenizer(sentences)
    stream = lay_out([document(tokenizer, sentences)], tokenizer.bos, tokenizer.eos)
    levels = count(stream, 3, tokenizer.size, tokenizer.bos)
    tables = train_ngram(
        [document(tokenizer, sentences)], tokenizer, NgramOptions(order=3, prune=[0, 1])
    ).tables
    keep = [np.ones(len(levels[0].words), bool), *(level.counts > 1 for level in levels[1:])]
    found = history_frequencies(levels, tables, keep)
    padded = [[tokenizer.bos, *ids, tokenizer.eos] for ids in sentence_ids(tokenizer, sentences)]
    events = sum(len(sentence) - 1 for sentence in padded)
    assert found[0] == 1 and len(found) == len(tables.backoffs)
    for node in range(1, len(found)):
        gram = tables.grams(node, node + 1)[0].tolist()
        times = sum(s[i : i + len(gram)] == gram for s in padded for i in range(len(s)))
        assert found[node] == pytest.approx(times / events)


def test_frequencies_of_the_text_lose_less_than_what_a_kneser_ney_model_implies() -> None:
    if not EWT.is_file():
        pytest.skip("the text is not here")
    lines = EWT.read_text(encoding="utf-8").splitlines()
    tokenizer = build(TokenizerOptions(kind="word"), lines)
    ids = tokenizer.encode_document(lines)
    model = train_ngram([ids], tokenizer, NgramOptions(order=3))
    levels = count(lay_out([ids], tokenizer.bos, tokenizer.eos), 3, tokenizer.size, tokenizer.bos)
    everything = [np.ones(len(level.words), bool) for level in levels]
    ends = {"bos": tokenizer.bos, "eos": tokenizer.eos}
    known = history_frequencies(levels, model.tables, everything)
    by_text = prune_tables(model.tables, 3e-6, **ends, histories=known)
    alone = prune_tables(model.tables, 2e-6, **ends)
    assert len(by_text.words) < len(alone.words)
    score, other = (NgramModel(tokenizer, tables).score([ids])[0].mean() for tables in (by_text, alone))
    assert score > other


@pytest.mark.parametrize("threshold", [-1e-8, float("nan"), 2.0])
def test_a_threshold_that_is_none_is_one_clear_sentence(threshold: float) -> None:
    with pytest.raises(InputError, match="the pruning threshold is .* not a number from 0 to 1"):
        pruned(trained([["a", "b"]]), threshold)

import math
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_texts import TEXTS, document, from_seed, word_tokenizer

from lmcompare import files, laws
from lmcompare.errors import InputError
from lmcompare.evaluation.cost import folder_bytes
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.pruning import pruned
from lmcompare.models.ngram.quantised import QuantisedTables, codebook, normalise, quantise
from lmcompare.text.tokenizers import TokenizerOptions, build

METHODS = ["modified-kneser-ney", "katz", "mle", "stupid", "add-k"]
MANY = [words for seed in range(40) for words in from_seed(seed)]


def trained(sentences: list[list[str]] = MANY, order: int = 3, **options: Any) -> NgramModel:
    tokenizer = word_tokenizer(sentences)
    if options.get("smoothing") == "add-k":
        options["k"] = 0.1
    return train_ngram([document(tokenizer, sentences)], tokenizer, NgramOptions(order=order, **options))


NUMBERS = st.lists(st.floats(-30, 0, width=32), min_size=1, max_size=60)


@given(NUMBERS, st.integers(1, 8))
@settings(deadline=None, max_examples=60)
def test_a_codebook_is_exact_where_it_can_be_and_else_no_worse_than_its_start(
    numbers: list[float], size: int
) -> None:
    values = np.array(numbers, dtype=np.float32)
    book = codebook(values, size)
    assert 0 < len(book) <= size and np.all(np.diff(book) > 0)
    error = np.min(np.abs(values[:, None].astype(float) - book), axis=1)
    if len(np.unique(values)) <= size:
        assert error.max() == 0
    different = np.unique(values).astype(float)
    start = different[[(2 * part + 1) * len(different) // (2 * size) for part in range(size)]]
    started = np.min(np.abs(values[:, None] - start), axis=1)
    assert (error**2).sum() <= (started**2).sum() * (1 + 1e-6) + 1e-9


def test_a_codebook_is_near_the_best_that_exhaustive_search_finds() -> None:
    values = np.random.default_rng(3).choice(np.float32([-1, -1.1, -4, -4.5, -5, -9, -9.2]), 40)
    different, size = np.unique(values).astype(float), 3
    best = np.inf
    for first in range(1, len(different) - 1):
        for second in range(first + 1, len(different)):
            parts = (values < different[first], values >= different[second])
            groups = [values[parts[0]], values[~parts[0] & ~parts[1]], values[parts[1]]]
            best = min(best, sum(float(((group - group.mean()) ** 2).sum()) for group in groups))
    book = codebook(values, size)
    found = float((np.min(np.abs(values[:, None] - book), axis=1) ** 2).sum())
    assert found == pytest.approx(best, rel=1e-5)


def test_minus_infinity_stays_and_its_neighbours_do_not_become_it() -> None:
    values = np.float32([-np.inf, *np.linspace(-9, -1, 40), -np.inf])
    book = codebook(values, 4)
    assert np.isneginf(book[0]) and len(book) == 4 and np.all(np.isfinite(book[1:]))


@given(TEXTS, st.sampled_from(METHODS), st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_every_context_sums_to_one_and_the_tree_is_the_same(
    sentences: list[list[str]], method: str, order: int
) -> None:
    tables = trained(sentences, order, smoothing=method).tables
    codes = quantise(tables)
    assert codes.faults() == ""
    found = codes.tables()
    assert found.faults() == ""
    for name in ("words", "starts", "suffixes", "levels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(tables, name))
    contexts = np.arange(len(found.backoffs))
    np.testing.assert_allclose(np.exp(found.distributions(contexts)).sum(axis=1), 1, atol=2e-6)


@given(st.integers(2, 5))
@settings(deadline=None, max_examples=8)
def test_a_model_of_few_different_numbers_loses_nothing(order: int) -> None:
    tables = trained([["a", "b"], ["b", "c"], ["a"]], order).tables
    found = quantise(tables).tables()
    np.testing.assert_allclose(found.logprobs, tables.logprobs, atol=3e-6)
    np.testing.assert_allclose(found.backoffs, tables.backoffs, atol=3e-6)


def test_dividing_by_sums_mends_a_context_whose_every_word_is_listed() -> None:
    tables = trained([["a"], ["a", "a"], []], 2).tables
    broken = replace(
        tables, logprobs=tables.logprobs + np.float32(0.3), backoffs=tables.backoffs - np.float32(1)
    )
    normalise(broken)
    contexts = np.arange(len(tables.backoffs))
    np.testing.assert_allclose(np.exp(broken.distributions(contexts)).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("method", ["modified-kneser-ney", "katz"])
def test_every_law_holds_and_a_loaded_model_scores_the_same_bits(method: str, tmp_path: Path) -> None:
    model = trained(MANY, 4, smoothing=method).quantised()
    results = laws.check(model, tolerance=1e-5)
    assert [(result.law, result.note) for result in results if result.passed is False] == []
    model.save(tmp_path / "model")
    again = NgramModel.load(tmp_path / "model")
    for field in fields(model.tables):
        np.testing.assert_array_equal(getattr(again.tables, field.name), getattr(model.tables, field.name))
    assert again.settings["quantise"] == 8
    again.save(tmp_path / "again")
    assert files.sha256(tmp_path / "again" / "weights.safetensors") == files.sha256(
        tmp_path / "model" / "weights.safetensors"
    )


def test_eight_bits_take_less_than_two_fifths_of_the_size_and_cost_little(tmp_path: Path) -> None:
    lines = [" ".join(f"w{k}" for k in np.random.default_rng(n).zipf(1.3, 12) % 900) for n in range(2500)]
    tokenizer = build(TokenizerOptions(kind="word"), lines)
    text = tokenizer.encode_document(lines)
    whole = train_ngram([text], tokenizer, NgramOptions(order=4))
    small = whole.quantised()
    whole.save(tmp_path / "whole")
    small.save(tmp_path / "small")
    sizes = [(tmp_path / name / "weights.safetensors").stat().st_size for name in ("whole", "small")]
    assert sizes[1] < 0.4 * sizes[0]
    assert folder_bytes(tmp_path / "small") < folder_bytes(tmp_path / "whole")
    before, after = (model.score([text])[0].mean() for model in (whole, small))
    assert before != after and abs(before - after) < 0.01


def test_the_loss_is_told_without_any_text() -> None:
    whole = trained(MANY, 3)
    small = whole.quantised()
    note = re.fullmatch(
        r"quantise = 8 moves log10 p of listed n-grams by (\S+) on average, (\S+) at most", small.notes[-1]
    )
    assert note is not None and whole.notes == small.notes[:-1]
    listed = [(a, b) for a, b in zip(whole.tables.logprobs[1:], small.tables.logprobs[1:], strict=True)]
    moved = [abs(float(b) - float(a)) / math.log(10) for a, b in listed if a > -math.inf]
    assert 0 < max(moved) < 0.1 and len(moved) < len(listed)  # bos is impossible
    assert float(note[1]) == pytest.approx(sum(moved) / len(moved), rel=0.06)
    assert float(note[2]) == pytest.approx(max(moved), rel=0.06)


def test_a_pruned_model_can_be_quantised() -> None:
    model = pruned(trained(MANY, 4), 1e-4).quantised()
    assert [r.law for r in laws.check(model, tolerance=1e-5) if r.passed is False] == []


DAMAGE: list[tuple[str, Any, str]] = [
    ("levels", lambda a: a[:2], "the orders do not follow each other"),
    ("levels", lambda a: a + 1, "the orders do not follow each other"),
    ("probability_codes", lambda a: a[1:], "there are not as many codes as n-grams"),
    ("weight_codes", lambda a: a[1:], "there are not as many codes as n-grams"),
    ("probabilities", lambda a: a[:, :255], "a codebook has another size"),
    ("weights", lambda a: a[1:], "a codebook has another size"),
    ("probability_codes", lambda a: a.astype(np.int64), "a code is not of eight bits"),
    ("tree", lambda a: a[1:], "the tree has another size"),
    ("tree", lambda a: np.zeros_like(a), "the tree has another size"),
    ("words", lambda a: a * 0, "the single words are not all ids in order"),
]


@pytest.mark.parametrize(("name", "change", "what"), DAMAGE)
def test_a_folder_whose_arrays_are_no_codes_is_one_clear_sentence(
    name: str, change: Any, what: str, tmp_path: Path
) -> None:
    model = trained(from_seed(8)).quantised()
    model.save(tmp_path / "model")
    saved = files.load_model(tmp_path / "model", "ngram")
    arrays = {**saved.arrays, name: change(saved.arrays[name])}
    files.save_model(tmp_path / "bad", "ngram", saved.config, arrays, saved.tokenizer)
    with pytest.raises(InputError, match=f"weights.safetensors is damaged: {what}"):
        NgramModel.load(tmp_path / "bad")
    assert isinstance(model.codes, QuantisedTables)
    files.save_model(
        tmp_path / "less",
        "ngram",
        saved.config,
        {k: v for k, v in arrays.items() if k != "tree"},
        saved.tokenizer,
    )
    with pytest.raises(InputError, match="weights.safetensors lacks tree"):
        NgramModel.load(tmp_path / "less")

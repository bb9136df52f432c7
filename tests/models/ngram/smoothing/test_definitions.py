"""Every method against its definition, and the law that all of them keep."""

from collections.abc import Callable
from typing import Any

import definitions
import numpy as np
import pytest
from definitions import Definition
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import EVERY_METHOD, named, opened, trained
from tiny_texts import PRUNING, TEXTS, document, from_seed, random_contexts, word_tokenizer

from lmcompare.interface import Tokenizer
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.text.tokenizers import TokenizerOptions, build

METHOD = pytest.mark.parametrize("method", EVERY_METHOD, ids=named)


@METHOD
@given(TEXTS, st.integers(1, 4), PRUNING, st.booleans(), st.sampled_from([None, 5]), st.integers(0, 100))
@settings(deadline=None, max_examples=12)
def test_every_probability_is_that_of_the_definition(
    method: dict[str, Any],
    sentences: list[list[str]],
    order: int,
    prune: list[int] | None,
    interpolate: bool,
    max_size: int | None,
    seed: int,
) -> None:
    tokenizer = word_tokenizer(sentences, max_size)
    options = {**method, "order": order, "prune": prune[:order] if prune else None}
    if method["smoothing"] != "add-k":
        options["interpolate_unigrams"] = interpolate
    model, ids = trained(tokenizer, sentences, options)
    definition = defined(tokenizer, ids, options, model.settings["estimated"])
    contexts = [np.array(s[:k]) for s in ids[:3] for k in range(len(s) + 1)]
    contexts += random_contexts(tokenizer, 4, seed)
    found = np.exp(model.next_logprobs(contexts))
    for row, context in zip(found, contexts, strict=True):
        expected = [definition.probability(w, opened(tokenizer, context)) for w in range(tokenizer.size)]
        np.testing.assert_allclose(row, expected, rtol=3e-6, atol=1e-12)


def defined(
    tokenizer: Tokenizer, ids: list[list[int]], options: dict[str, Any], estimated: dict[str, Any]
) -> Definition:
    """The definition that a model with these options and estimates must agree with."""
    name, order = options["smoothing"], options["order"]
    common: dict[str, Any] = {
        "order": order,
        "size": tokenizer.size,
        "bos": tokenizer.bos,
        "eos": tokenizer.eos,
        "unk": tokenizer.unk,
        "prune": options["prune"] or [0],
        "interpolate_unigrams": options.get("interpolate_unigrams", True),
        "back_off": options.get("composition") == "back-off",
    }
    if name == "stupid":
        del common["back_off"]
        return definitions.StupidScores(ids, alpha=options.get("alpha", 0.4), **common)
    splits: dict[str, Callable[[], Any]] = {
        "mle": lambda: definitions.maximum_likelihood,
        "add-k": lambda: definitions.add_k(estimated["k"], order, tokenizer.size, tokenizer.bos),
        "katz": lambda: definitions.good_turing(estimated["ratios"]),
        "jelinek-mercer": lambda: definitions.binned(estimated["weights"]),
        "witten-bell": lambda: definitions.witten_bell,
        "pitman-yor": lambda: definitions.franchise(**estimated),
    }
    common["split"] = splits.get(name, lambda: definitions.discounted(estimated["discounts"]))()
    if name == "katz":
        common["back_off"] = True
    if name.endswith("kneser-ney"):
        common["counted"] = definitions.in_contexts
    if name == "pitman-yor":
        common["counted"] = definitions.at_tables(estimated["exponent"])
    return Definition(ids, **common)


@METHOD
@given(TEXTS, st.integers(1, 5), PRUNING, st.sampled_from([None, 5]), st.integers(0, 100))
@settings(deadline=None, max_examples=15)
def test_probabilities_are_never_negative_and_sum_to_one_after_any_context(
    method: dict[str, Any],
    sentences: list[list[str]],
    order: int,
    prune: list[int] | None,
    max_size: int | None,
    seed: int,
) -> None:
    tokenizer = word_tokenizer(sentences, max_size)
    options = {**method, "order": order, "prune": prune[:order] if prune else None}
    model, ids = trained(tokenizer, sentences, options)
    contexts = [*random_contexts(tokenizer, 8, seed), *map(np.array, ids[:5])]
    found = np.exp(model.next_logprobs(contexts))
    assert np.all(found >= 0)  # false for nan too
    np.testing.assert_allclose(found.sum(1), 1, rtol=0, atol=2e-6)
    assert np.all(found[:, tokenizer.bos] == 0)


@METHOD
def test_without_an_unknown_word_too_all_probabilities_sum_to_one(method: dict[str, Any]) -> None:
    tokenizer = build(TokenizerOptions(kind="byte"), [])
    assert tokenizer.unk is None
    for interpolate in {True, method["smoothing"] == "add-k"}:
        model, ids = trained(
            tokenizer, from_seed(9), {**method, "order": 4, "interpolate_unigrams": interpolate}
        )
        contexts = [*random_contexts(tokenizer, 20, 1), *map(np.array, ids[:5])]
        np.testing.assert_allclose(np.exp(model.next_logprobs(contexts)).sum(1), 1, rtol=0, atol=1e-5)


@METHOD
def test_all_orders_up_to_eight_can_be_estimated(method: dict[str, Any]) -> None:
    sentences = [["a", "b", "a", "c"], *[["a", "b", "c", "a", "b", "c", "a", "b", "d"]] * 3, ["b", "a"]] * 3
    tokenizer = word_tokenizer(sentences)
    for order in range(1, 9):
        model, _ = trained(tokenizer, sentences, {**method, "order": order})
        assert model.order == order
        text = document(tokenizer, sentences)
        assert np.isfinite(model.score([text])[0]).all()


@pytest.mark.parametrize("composition", ["interpolated", "back-off"])
@pytest.mark.parametrize("method", ["witten-bell", "kneser-ney", "modified-kneser-ney"])
def test_literal_special_words_in_the_text_are_words_like_any_other(method: str, composition: str) -> None:
    plain = [sentence.split() for sentence in ("a U b", "S a E", "U a b U", "E S", "a b")] * 3
    spelled = {"U": "<unk>", "S": "<s>", "E": "</s>"}
    special = [[spelled.get(word, word) for word in sentence] for sentence in plain]
    options = NgramOptions(order=3, smoothing=method, composition=composition)  # type: ignore[arg-type]
    scores = []
    for sentences in (plain, special):
        tokenizer = word_tokenizer(sentences)
        text = document(tokenizer, sentences)
        assert not np.isin(text, [tokenizer.bos, tokenizer.unk]).any()
        assert np.count_nonzero(text == tokenizer.eos) == len(sentences)
        scores.append(train_ngram([text], tokenizer, options).score([text])[0])
    np.testing.assert_allclose(scores[0], scores[1], rtol=0, atol=1e-6)

"""The estimation against what KenLM's lmplz and query wrote."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from lmplz_files import (
    EWT,
    GSD,
    REFERENCE,
    WIKITEXT,
    assert_same_ngrams,
    encoded,
    lines,
    perplexities,
    present,
    query_words,
    sampled,
    split,
)

from lmcompare.models.ngram.arpa import read_arpa
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel
from lmcompare.text.tokenizers import TokenizerOptions, build

LMPLZ_PRINTS = {
    (EWT, 3): [(0.642906, 1.04243, 1.4789), (0.809931, 1.21773, 1.37572), (0.87058, 1.34507, 1.70193)],
    (EWT, 5): [
        (0.642906, 1.04243, 1.4789),
        (0.809931, 1.21773, 1.37572),
        (0.913818, 1.34765, 1.41759),
        (0.968563, 1.53996, 1.61882),
        (0.948996, 1.57225, 2.46583),
    ],
    (GSD, 3): [(0.673447, 1.12485, 1.34935), (0.857516, 1.24291, 1.40397), (0.946019, 1.32131, 1.31676)],
    (WIKITEXT, 5): [
        (0.182131, 1.01294, 2.53774),
        (0.729716, 1.15964, 1.49569),
        (0.866965, 1.27126, 1.47995),
        (0.942337, 1.41604, 1.53705),
        (0.959168, 1.52824, 1.50737),
    ],
}
SIZES = {
    (EWT, 3): [20082, 106141, 166450],
    (EWT, 5): [20082, 106141, 166450, 177202, 170740],
    (GSD, 3): [17613, 68616, 90101],
    (WIKITEXT, 5): [33280, 619592, 1398959, 1794725, 1914265],
}
QUERY_PRINTS = [
    (EWT, {"order": 3}, 452.7265941967451, 250.03779633613385),
    (EWT, {"order": 5}, 448.84333026126916, 248.03933918119364),
    (EWT, {"order": 3, "prune": [0, 0, 1]}, 457.7323357596986, 254.10118093264182),
    (EWT, {"order": 3, "interpolate_unigrams": False}, 206.67913445419404, 270.2884844122133),
    (GSD, {"order": 3}, 766.4464219171206, 387.4613897188656),
    (GSD, {"order": 5}, 762.6947859714766, 385.6608219980613),
]
SIX_DIGITS = 5e-7

corpus = cache(encoded)


def trained(text: str, discounts: str = "lmplz", **options: object) -> NgramModel:
    tokenizer, train, _ = corpus(text)
    return train_ngram([train], tokenizer, NgramOptions(discounts=discounts, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("ewt.3", EWT, {}),
        ("ewt.3.pruned001", EWT, {"prune": [0, 0, 1]}),
        ("ewt.3.nointerp", EWT, {"interpolate_unigrams": False}),
        ("gsd.3", GSD, {}),
    ],
)
def test_every_ngram_has_the_numbers_of_lmplz(name: str, text: str, options: dict[str, object]) -> None:
    reference = read_arpa(present(REFERENCE / f"{name}.arpa.gz"))
    assert_same_ngrams(trained(text, order=3, **options), reference, tolerance=1e-6)


def test_where_no_discount_can_be_estimated_the_numbers_are_those_of_lmplz_with_its_fallback() -> None:
    text = lines(REFERENCE / "tiny.txt")
    tokenizer = build(TokenizerOptions(kind="word"), text)
    options = NgramOptions(order=4, discounts="lmplz")
    model = train_ngram([tokenizer.encode_document(text)], tokenizer, options)
    assert_same_ngrams(model, read_arpa(REFERENCE / "tiny.4.fallback.arpa.gz"), tolerance=1e-6)
    assert model.settings["estimated"]["discounts"][2:] == [(0.5, 1.0, 1.5)] * 2
    assert [note[:25] for note in model.notes] == ["the discounts of order 3 ", "the discounts of order 4 "]


@pytest.mark.parametrize(("text", "order"), [(EWT, 3), (EWT, 5), (GSD, 3)])
def test_sizes_and_discounts_are_those_that_lmplz_prints(text: str, order: int) -> None:
    model = trained(text, order=order)
    assert np.diff(model.tables.levels[1:]).tolist() == SIZES[text, order]
    assert_printed(model.settings["estimated"]["discounts"], LMPLZ_PRINTS[text, order])


@pytest.mark.parametrize(("text", "options", "all_events", "known_events"), QUERY_PRINTS)
def test_test_perplexities_are_those_that_query_prints(
    text: str, options: dict[str, object], all_events: float, known_events: float
) -> None:
    test = corpus(text)[2]
    found = perplexities(trained(text, **options), test)
    assert found == pytest.approx((all_events, known_events), rel=SIX_DIGITS)


@pytest.mark.parametrize(("name", "text"), [("ewt.3", EWT), ("gsd.3", GSD)])
def test_every_event_of_the_test_text_has_the_score_and_the_order_that_query_prints(
    name: str, text: str
) -> None:
    tokenizer, _, test = corpus(text)
    model = trained(text, order=3)
    events = query_words(f"{name}.query-word.txt")
    np.testing.assert_array_equal(test == tokenizer.unk, [number == 0 for _, number, _, _ in events])
    np.testing.assert_array_equal(model.matched_order([test])[0], [order for _, _, order, _ in events])
    scores = model.score([test])[0] / np.log(10)
    np.testing.assert_allclose(scores, [p for _, _, _, p in events], rtol=0, atol=2e-6)


def test_the_textbook_knows_no_order_of_sentences_but_lmplz_does_in_a_late_digit() -> None:
    # Its last n-gram enters the counts of counts with its occurrences (kpu/kenlm, issue 405).
    sentences, tokenizer = split(EWT, "train")[:4000], corpus(EWT)[0]
    found: dict[str, set[tuple[object, ...]]] = {"textbook": set(), "lmplz": set()}
    for start in range(0, 4000, 500):
        document = tokenizer.encode_document(sentences[start:] + sentences[:start])
        for discounts, seen in found.items():
            options = NgramOptions(order=3, discounts=discounts)  # type: ignore[arg-type]
            model = train_ngram([document], tokenizer, options)
            seen.add(tuple(model.settings["estimated"]["discounts"]))
    assert len(found["textbook"]) == 1
    assert len(found["lmplz"]) > 1
    textbook = np.array(next(iter(found["textbook"])))
    apart = np.abs(np.array(list(found["lmplz"])) - textbook).max(axis=(0, 2))
    assert 0 < apart.max() < 0.01
    assert apart[-1] == 0  # the highest order is counted as it should be


def assert_printed(discounts: Sequence[object], printed: Sequence[object]) -> None:
    """Equal when rounded to six digits; as lmplz computes in float32, a hair more is allowed."""
    expected = np.array(printed)
    half = 0.5 * 10 ** (np.floor(np.log10(expected)) - 5)
    assert np.all(np.abs(np.array(discounts) - expected) <= 1.1 * half)


@pytest.mark.slow
class TestWikiText2:
    def test_five_grams_are_those_of_lmplz(self) -> None:
        model = trained(WIKITEXT, order=5)
        assert np.diff(model.tables.levels[1:]).tolist() == SIZES[WIKITEXT, 5]
        assert_printed(model.settings["estimated"]["discounts"], LMPLZ_PRINTS[WIKITEXT, 5])
        assert_sampled_ngrams(model, "wikitext-2.5.sample.tsv.gz")
        test = corpus(WIKITEXT)[2]
        assert len(test) == 245569
        assert not np.any(test == model.tokenizer.unk)
        assert perplexities(model, test)[0] == pytest.approx(220.13856701343005, rel=SIX_DIGITS)
        valid = model.tokenizer.encode_document(split(WIKITEXT, "valid"))
        assert perplexities(model, valid)[0] == pytest.approx(234.862, abs=5e-4)

    def test_the_textbook_gives_what_lmplz_prints_where_its_fault_does_not_show(self) -> None:
        # With the articles in another order, lmplz prints these; the textbook knows no order of articles.
        model = trained(WIKITEXT, "textbook", order=5)
        printed = [(0.182087, 1.01364, 2.53778), *LMPLZ_PRINTS[WIKITEXT, 5][1:]]
        assert_printed(model.settings["estimated"]["discounts"], printed)
        assert perplexities(model, corpus(WIKITEXT)[2])[0] == pytest.approx(220.14, abs=5e-3)

    @pytest.mark.parametrize(("order", "expected"), [(2, 263.96), (3, 226.05), (4, 221.34), (6, 219.82)])
    def test_other_orders_have_the_perplexities_of_lmplz(self, order: int, expected: float) -> None:
        model = trained(WIKITEXT, order=order)
        assert perplexities(model, corpus(WIKITEXT)[2])[0] == pytest.approx(expected, abs=5e-3)

    def test_without_unigram_interpolation_the_perplexity_is_that_of_lmplz(self) -> None:
        model = trained(WIKITEXT, order=5, interpolate_unigrams=False)
        assert perplexities(model, corpus(WIKITEXT)[2])[0] == pytest.approx(229.39, abs=5e-3)


def assert_sampled_ngrams(model: NgramModel, name: str) -> None:
    rows = sampled(name)
    assert len(rows) == 20_000
    for order in range(1, model.order + 1):
        chosen = [row for row in rows if len(row[1]) == order]
        nodes = np.array([node_of(model, words) for _, words, _ in chosen])
        logprobs = model.tables.logprobs[nodes] / np.log(10)
        np.testing.assert_allclose(logprobs, [p for p, _, _ in chosen], rtol=0, atol=1e-6)
        if order < model.order:
            backoffs = model.tables.backoffs[nodes] / np.log(10)
            np.testing.assert_allclose(backoffs, [weight for _, _, weight in chosen], rtol=0, atol=1e-6)


def node_of(model: NgramModel, words: list[str]) -> int:
    """The node of an n-gram, by descending from the root."""
    tables, tokenizer = model.tables, model.tokenizer
    special = {"<s>": tokenizer.bos, "</s>": tokenizer.eos, "<unk>": tokenizer.unk}
    node = 0
    for word in words:
        index = special[word] if word in special else int(tokenizer.encode(word).ids[0])
        children = tables.words[tables.starts[node] : tables.starts[node + 1]]
        place = int(np.searchsorted(children, index))
        assert children[place] == index
        node = int(tables.starts[node]) + place
    return node

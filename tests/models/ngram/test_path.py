from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_texts import document, from_seed, random_contexts, sentence_ids, word_tokenizer

from lmcompare.models.ngram.arpa import read_arpa
from lmcompare.models.ngram.arpa_writer import write_arpa
from lmcompare.models.ngram.counts import Stream, lay_out
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.path import backoff_path, count_of, is_interpolated
from lmcompare.models.ngram.pruning import pruned

SENTENCES = [words for seed in (4, 8, 11, 21) for words in from_seed(seed)]
TOKENIZER = word_tokenizer(SENTENCES)
IDS = document(TOKENIZER, SENTENCES)
TEXT: Stream = lay_out([IDS], TOKENIZER.bos, TOKENIZER.eos)
METHODS: list[dict[str, Any]] = [
    {},
    {"smoothing": "kneser-ney"},
    {"smoothing": "absolute"},
    {"smoothing": "witten-bell"},
    {"smoothing": "jelinek-mercer"},
    {"smoothing": "add-k", "k": 0.1},
    {"smoothing": "mle"},
    {"smoothing": "pitman-yor"},
    {"prune": [0, 0, 1]},
    {"interpolate_unigrams": False},
    {"composition": "back-off"},
    {"smoothing": "katz"},
    {"smoothing": "stupid"},
    {"entropy_prune": 1e-3},
    {"quantise": 8},
]


def trained(order: int = 4, **options: Any) -> NgramModel:
    held_out = document(TOKENIZER, SENTENCES[::3] + [words[::-1] for words in SENTENCES[::4]])
    return train_ngram([IDS], TOKENIZER, NgramOptions(order=order, **options), [held_out])


def events(number: int = 40) -> list[tuple[Any, int]]:
    """Contexts with the word that followed, and others that never stood together."""
    rng = np.random.default_rng(2)
    places = rng.integers(0, len(IDS), number)
    seen = [(IDS[:place], int(IDS[place])) for place in places]
    return seen + [
        (context, int(rng.integers(1, TOKENIZER.size))) for context in random_contexts(TOKENIZER, 20, 1)
    ]


@pytest.mark.parametrize("options", METHODS, ids=str)
def test_the_shares_sum_to_what_the_model_says(options: dict[str, Any]) -> None:
    model = trained(**options)
    for context, token in events():
        for text in (None, TEXT):
            path = backoff_path(model, context, token, text)
            expected = float(np.exp(model.next_logprobs([context])[0][token]))
            assert path.probability == pytest.approx(expected, rel=1e-6, abs=1e-12)
            assert sum(step.share for step in path.steps) == pytest.approx(expected, rel=1e-5, abs=1e-9)
            assert all(step.share >= 0 for step in path.steps)


@pytest.mark.parametrize("options", METHODS, ids=str)
@pytest.mark.parametrize("order", [1, 3])
def test_each_share_is_the_own_part_times_the_weights_above(options: dict[str, Any], order: int) -> None:
    options = {**options, "prune": options["prune"][:order]} if "prune" in options else options
    model = trained(order, **options)
    for context, token in events(20):
        above = 1.0
        for step in backoff_path(model, context, token, TEXT).steps:
            assert step.share == pytest.approx(above * (step.own or 0.0), rel=1e-9)
            above *= 1.0 if step.weight is None else step.weight


@pytest.mark.parametrize("options", METHODS[:3] + METHODS[8:9], ids=str)
def test_the_own_part_is_the_discounted_count_over_that_of_the_context(options: dict[str, Any]) -> None:
    checked = 0
    for context, token in events():
        for step in backoff_path(trained(**options), context, token, TEXT).steps:
            if step.discount is not None:
                assert step.counted is not None
                count, total = step.counted
                assert step.own == pytest.approx((count - step.discount) / total, abs=3e-7)
                checked += 1
            elif step.order:
                assert not step.own
    assert checked > 60


def test_katz_multiplies_a_count_by_the_ratio_of_its_order() -> None:
    """A context whose words all occur too often to be discounted counts one occurrence more (`Katz`)."""
    rng = np.random.default_rng(5)
    # Zipf's law makes counts of counts that Good and Turing's estimate takes.
    chances = 1 / np.arange(1, 1500)
    ids = rng.choice(np.arange(3, 1502), 6000, p=chances / chances.sum())
    tokenizer = word_tokenizer([[f"w{index}" for index in range(1600)]])
    sentences = np.concatenate([[*ids[i : i + 12], tokenizer.eos] for i in range(0, len(ids), 12)])
    model = train_ngram([sentences], tokenizer, NgramOptions(order=2, smoothing="katz"))
    ratios = model.settings["estimated"]["ratios"]
    text = lay_out([sentences], tokenizer.bos, tokenizer.eos)
    multiplied, whole = set(), 0
    for place in range(0, 3000, 7):
        for step in backoff_path(model, sentences[:place], int(sentences[place]), text).steps:
            if not step.own:
                assert step.ratio is None
                continue
            assert step.counted is not None and step.ratio is not None and step.discount is None
            count, total = step.counted
            of_order = ratios[step.order - 1]
            assert step.ratio == (of_order[count - 1] if count <= len(of_order) else 1.0)
            one_more = step.own == pytest.approx(step.ratio * count / (total + 1), rel=2e-6)
            assert one_more or step.own == pytest.approx(step.ratio * count / total, rel=2e-6)
            multiplied.add(step.ratio)
            whole += one_more
    assert len(multiplied) > 4 and whole < 50


def test_katz_without_ratios_takes_one_half_from_each_count() -> None:
    model = trained(2, smoothing="katz")
    assert None in (ratios := model.settings["estimated"]["ratios"])
    for context, token in events():
        for step in backoff_path(model, context, token, TEXT).steps:
            assert step.counted is not None
            if step.own and step.counted[0] and ratios[step.order - 1] is None:
                assert step.discount == 0.5 and step.ratio is None
                assert step.own == pytest.approx((step.counted[0] - 0.5) / step.counted[1], abs=3e-7)


def test_single_words_are_mixed_with_all_words_alike() -> None:
    model = trained()
    path = backoff_path(model, np.zeros(0, dtype=int), TOKENIZER.unk or 0, TEXT)
    single, alike = path.steps[-2:]
    assert (single.order, alike.order) == (1, 0)
    assert single.share == 0 and alike.own == pytest.approx(1 / (TOKENIZER.size - 1))
    taken = sum(
        model.settings["estimated"]["discounts"][0][min(kinds, 3) - 1]
        for kinds in (len(set(before)) for before in _before().values())
    )
    total = sum(len(set(before)) for before in _before().values())
    assert single.weight == pytest.approx(taken / total, rel=1e-4)


def _before() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for ids in sentence_ids(TOKENIZER, SENTENCES):
        padded = [TOKENIZER.bos, *ids, TOKENIZER.eos]
        for first, second in zip(padded, padded[1:], strict=False):
            found.setdefault(second, []).append(first)
    return found


def test_counts_are_those_of_the_text() -> None:
    padded = [[TOKENIZER.bos, *ids, TOKENIZER.eos] for ids in sentence_ids(TOKENIZER, SENTENCES)]
    for length in range(4):
        grams = Counter(
            tuple(ids[i : i + length + 1])
            for ids in padded
            for i in range(len(ids) - length)
            if i + length > 0
        )
        longer = {tuple(ids[i : i + length + 2]) for ids in padded for i in range(len(ids) - length - 1)}
        for gram in [*list(grams)[:40], (*[3] * length, 2)]:
            context, token = gram[:-1], gram[-1]
            found = count_of(TEXT, context, token)
            assert found.gram == grams[gram]
            assert found.context == sum(times for other, times in grams.items() if other[:-1] == context)
            if TOKENIZER.bos not in context:
                assert found.kinds == sum(other[1:] == gram for other in longer)
                assert found.context_kinds == sum(other[1:-1] == context for other in longer)


def test_one_order_has_all_of_a_model_that_backs_off() -> None:
    for options in METHODS[10:]:
        model = trained(**options)
        assert not is_interpolated(model.settings)
        for context, token in events(20):
            steps = backoff_path(model, context, token).steps
            asked = [step for step in steps if step.own is not None]
            assert len(asked) == 1 and asked[0].share == pytest.approx(sum(step.share for step in steps))
            lead = np.concatenate([context, [token]]).astype(int)
            assert asked[0].order == model.matched_order([lead])[0][-1]


def test_a_model_of_a_file_has_a_path_without_counts(tmp_path: Path) -> None:
    write_arpa(trained(), tmp_path / "model.arpa")
    model = read_arpa(tmp_path / "model.arpa")
    text = model.tokenizer.encode("w0 w1").ids
    path = backoff_path(model, text[:1], int(text[1]))
    assert not path.interpolated and path.steps[0].counted is None
    assert path.probability == pytest.approx(float(np.exp(model.score([text])[0][1])))
    assert not is_interpolated(pruned(trained(), 1e-3).settings)


def test_what_stands_before_the_end_of_a_sentence_is_not_seen() -> None:
    model = trained()
    one, other = np.array([3, 4, TOKENIZER.eos, 5]), np.array([5])
    assert backoff_path(model, one, 3, TEXT) == backoff_path(model, other, 3, TEXT)
    contexts = [step.context for step in backoff_path(model, other, 3).steps]
    assert contexts[0] == (TOKENIZER.bos, 5) and contexts[-1] == ()

from __future__ import annotations

import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.errors import InputError
from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.event_scores import EventScores
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.slices import SLICES
from lmcompare.evaluation.slices.analysis import FEWEST, event_bytes, order_source
from lmcompare.interface import LanguageModel
from lmcompare.models.ngram.family import NGRAM
from lmcompare.registry import Training
from lmcompare.text.tokenizers import TokenizerOptions, build
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(
    resamples=200, generation={"prompts": 0}, windows={"enabled": False}, calibration={"enabled": False}
)
BITS = math.log(2)


@pytest.fixture
def contend(make_corpus, encoded, tmp_path):
    """`contend({name: model or order}, tokenizer)`: contenders over one corpus."""
    corpus = make_corpus(120, extra="d")

    def make(models: dict[str, LanguageModel | int], tokenizer, seeds: int = 1) -> list[Contender]:
        text = encoded(corpus, tokenizer)
        found = []
        for name, model in models.items():
            if isinstance(model, int):
                options = NGRAM.options.model_validate({"order": model})
                parts = (text.train.documents, text.valid.documents)
                model = NGRAM.train(Training(options, tokenizer, *parts, 1, tmp_path, 1, lambda _: None))
            cells, scores = zip(
                *(
                    evaluate(model, text, OPTIONS, prepare(corpus, OPTIONS), name=name, seed=seed)
                    for seed in range(seeds)
                ),
                strict=True,
            )
            found.append(Contender(merge(cells, scores, text, OPTIONS), list(scores), text, cells))
        return found

    return make


@pytest.fixture
def contenders(contend):
    tokenizer = WordTokenizer(["a", "b", "c"])
    markov = Markov(tokenizer, markov_table(tokenizer.size, 3, 0.1))
    return contend({"2-gram": 2, "4-gram": 4, "markov": markov}, tokenizer)


def test_each_slice_is_the_mean_of_its_events_and_its_share_is_theirs(contenders):
    found = SLICES.gather(contenders, OPTIONS)
    (order,) = [each for each in found.slicings if each.name == "order"]
    assert order.source == "4-gram"
    orders = contenders[1].scores[0].columns["test", "order"]
    nats = {each.result.name: -each.scores[0].logprobs["test", "native"] for each in contenders}
    best = min(("2-gram", "4-gram"), key=lambda name: nats[name].sum())
    assert found.references == {name: best for name in nats if name != best}
    assert len(order.slices) >= 2
    for each in order.slices:
        here = orders == int(each.key)
        assert [score.model for score in each.scores] == list(nats)
        for score in each.scores:
            own = nats[score.model]
            assert score.events == here.sum() >= FEWEST
            assert score.bits == pytest.approx(own[here].mean() / BITS, rel=1e-12)
            assert score.share_events == pytest.approx(here.mean(), rel=1e-12)
            assert score.share_bits == pytest.approx(own[here].sum() / own.sum(), rel=1e-12)
            assert score.ci95[0] < score.bits < score.ci95[1]
            assert score.share_bits_ci95[0] < score.share_bits < score.share_bits_ci95[1]
            if score.model == best:
                assert score.gain is None
            else:
                assert score.gain == pytest.approx((nats[best] - own)[here].mean() / BITS, abs=1e-12)
                assert score.gain_ci95[0] <= score.gain <= score.gain_ci95[1]


def test_every_slicing_parts_all_events(contenders):
    found = SLICES.gather(contenders, OPTIONS)
    events = len(contenders[0].encoded.test.ids)
    assert [each.name for each in found.slicings] == ["order", "frequency", "seen", "place", "script"]
    for slicing in found.slicings:
        told = sum(each.scores[0].events for each in slicing.slices)
        assert events - FEWEST * 2 < told <= events


def test_intervals_are_those_of_the_bootstrap_drawn_unit_by_unit(contenders):
    contender = contenders[2]
    test, nats = contender.encoded.test, -contender.scores[0].logprobs["test", "native"]
    (script,) = [each for each in SLICES.gather(contenders, OPTIONS).slicings if each.name == "script"]
    (latin,) = [each for each in script.slices if each.key == "latin"]
    inside = np.isin(np.asarray(test.ids), [3, 4, 5])
    units = [slice(a, b) for a, b in zip(test.starts[:-1], test.starts[1:], strict=True)]
    random, means = np.random.default_rng(5), []
    for _ in range(1500):
        drawn = random.integers(0, len(units), len(units))
        above = sum(nats[units[unit]][inside[units[unit]]].sum() for unit in drawn)
        means.append(above / sum(inside[units[unit]].sum() for unit in drawn) / BITS)
    wanted = np.percentile(means, [2.5, 97.5])
    (score,) = [score for score in latin.scores if score.model == "markov"]
    assert score.ci95 == pytest.approx(wanted, abs=0.2 * (wanted[1] - wanted[0]))


def test_impossible_events_are_left_out_for_all_models_of_their_tokens(contenders):
    logprobs = contenders[2].scores[0].logprobs
    column = logprobs["test", "native"].copy()
    column[[3, 17]] = -np.inf
    broken = EventScores(contenders[2].scores[0].starts, {**logprobs, ("test", "native"): column})
    changed = Contender(contenders[2].result, [broken], contenders[2].encoded)
    found = SLICES.gather([*contenders[:2], changed], OPTIONS)
    assert found.left_out == dict.fromkeys(("2-gram", "4-gram", "markov"), 2)
    (script,) = [each for each in found.slicings if each.name == "script"]
    assert {sum(each.scores[place].events for each in script.slices) for place in range(3)} == {
        len(column) - 2
    }
    assert all(math.isfinite(score.bits) for each in script.slices for score in each.scores)


def test_models_with_other_tokens_are_compared_per_byte_of_the_slice(contenders, contend):
    tokenizer = build(TokenizerOptions(kind="char"), ["abcd "])
    others = contend({"characters": 3}, tokenizer)
    found = SLICES.gather([*contenders[:2], *others], OPTIONS)
    assert found.unit == "byte"
    # The only model of its tokens is compared with none.
    assert sorted([*found.references, *found.references.values()]) == ["2-gram", "4-gram"]
    # Orders of one model say nothing of another one's tokens: each stands in a table of its own.
    by_order = [each for each in found.slicings if each.name == "order"]
    orders = {each.source: {one.model for part in each.slices for one in part.scores} for each in by_order}
    assert orders == {"4-gram": {"2-gram", "4-gram"}, "characters": {"characters"}}
    keys = [
        [each.key for each in slicing.slices] for slicing in found.slicings if slicing.name == "frequency"
    ]
    numbers = [int(key.partition("-")[0].rstrip("+")) for key in keys[0]]
    assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)
    (script,) = [each for each in found.slicings if each.name == "script"]
    (ends,) = [each for each in script.slices if each.key == "eos"]
    for score, contender in zip(ends.scores, [*contenders[:2], *others], strict=True):
        here = np.asarray(contender.encoded.test.ids) == contender.encoded.tokenizer.eos
        own = -contender.scores[0].logprobs["test", "native"]
        # A line end is one byte, so that bits per byte are bits per event here.
        assert score.bits == pytest.approx(own[here].mean() / BITS, rel=1e-12)
    sizes = [event_bytes(each.encoded, "test") for each in (contenders[0], others[0])]
    assert sizes[0].sum() == sizes[1].sum() == contenders[0].encoded.test.bytes.sum()


def test_seeds_are_averaged_event_by_event(contend):
    tokenizer = WordTokenizer(["a", "b", "c"])
    once, twice = (contend({"2-gram": 2, "3-gram": 3}, tokenizer, seeds) for seeds in (1, 2))
    for scores in once[0].scores, twice[0].scores:
        assert ("test", "order") in scores[0].columns
    shifted = {key: values - 0.5 for key, values in twice[0].scores[1].logprobs.items()}
    second = EventScores(twice[0].scores[1].starts, shifted)
    moved = Contender(twice[0].result, [twice[0].scores[0], second], twice[0].encoded)
    before, after = (SLICES.gather([first, once[1]], OPTIONS).slicings[0] for first in (once[0], moved))
    for old, new in zip(before.slices, after.slices, strict=True):
        assert new.scores[0].bits == pytest.approx(old.scores[0].bits + 0.25 / BITS)


def test_orders_are_those_of_the_highest_order_of_the_same_tokens(contenders, contend):
    tokenizer = contenders[0].encoded.tokenizer
    source = order_source(contenders, tokenizer.fingerprint, "test")
    assert source is contenders[1]
    assert order_source(contenders[2:], tokenizer.fingerprint, "test") is None
    assert order_source(contenders, "another", "test") is None


def test_tags_of_a_file_part_the_events(contenders, tmp_path):
    sentences = contenders[0].encoded.corpus.sentences("test")
    path = tmp_path / "test.tags"
    path.write_text("".join(" ".join(word.upper() for word in line.split()) + "\n" for line in sentences))
    options = EvaluationOptions(resamples=200, slices={"tags": path})
    slicing = SLICES.gather(contenders, options).slicings[-1]
    assert (slicing.name, slicing.source) == ("tags", "test.tags")
    ids = np.asarray(contenders[0].encoded.test.ids)
    wanted = {"eos": 1, "A": 3, "B": 4, "C": 5, "D": 2}
    told = {each.key: each.scores[0].events for each in slicing.slices}
    assert told == {key: np.count_nonzero(ids == index) for key, index in wanted.items()}
    SLICES.check(options, contenders[0].encoded.corpus)
    path.write_text("A\n")
    with pytest.raises(InputError, match=r"test\.tags"):
        SLICES.gather(contenders, options)
    with pytest.raises(InputError, match=r"there are tags of 1 sentences"):
        SLICES.check(options, contenders[0].encoded.corpus)


def test_the_analysis_is_off_where_the_options_say_so(contenders):
    assert SLICES.gather(contenders, EvaluationOptions(slices={"enabled": False})) is None


def test_a_rerun_gives_the_same_bits(contenders):
    first, second = (SLICES.gather(contenders, OPTIONS).model_dump_json() for _ in range(2))
    assert first == second

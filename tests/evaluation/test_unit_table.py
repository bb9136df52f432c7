from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from markov_toy import Markov, markov_table
from scipy import stats

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.unit_sizes import sizes
from lmcompare.evaluation.unit_table import UNIT_TABLE
from lmcompare.text.tokenizers.char import CharTokenizer
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(resamples=500, generation={"prompts": 0})


@pytest.fixture
def contend(make_corpus, encoded):
    """`contend(models, **corpus)`: one contender, its seeds the models."""

    def contend(*models, options=OPTIONS, **changes):
        corpus = make_corpus(40, extra="dd", **changes)
        material = prepare(corpus, options)
        text = encoded(corpus, models[0].tokenizer)
        parts = [
            evaluate(model, text, options, material, name="m", seed=seed) for seed, model in enumerate(models)
        ]
        cells, scores = [list(column) for column in zip(*parts, strict=True)]
        return Contender(merge(cells, scores, text, options), scores, text, cells)

    return contend


def by_treatment(found):
    return {
        scores.treatment: {score.unit: score for score in scores.units} for scores in found.rows[0].scores
    }


def test_every_number_is_that_of_counting_the_text_by_hand(contend, make_model):
    contender = contend(make_model(1, unk=0.03))
    found = UNIT_TABLE.gather([contender], OPTIONS)
    sentences = contender.encoded.corpus.sentences("test")
    text = "".join(sentence + "\n" for sentence in sentences)
    words, ends = text.split(), len(sentences)
    unknown = words.count("dd")
    bits = -contender.scores[0].logprobs["test", "native"] / math.log(2)
    strange = np.array([token == "dd" for s in sentences for token in [*s.split(), "\n"]])
    # A word has the white space before it; the first of a line has none.
    letters = sum(2 + (place > 0) for s in sentences for place, word in enumerate(s.split()) if word == "dd")
    sizes = {
        "all": (len(words) + ends, len(words), len(words) + ends, len(text)),
        "without": (
            len(words) + ends - unknown,
            len(words) - unknown,
            len(words) + ends - unknown,
            len(text) - letters,
        ),
    }
    sums = {"all": bits.sum(), "without": bits[~strange].sum(), "charged": bits.sum()}  # one type: log 1 is 0
    rows = by_treatment(found)
    assert set(rows) == {"all", "without", "charged"}
    for treatment, of in (("all", "all"), ("without", "without"), ("charged", "all")):
        event, token, word, character = sizes[of]
        wanted = {"event": event, "token": token, "word": word, "character": character, "byte": character}
        assert {unit: score.count for unit, score in rows[treatment].items()} == wanted
        for unit, size in wanted.items():
            score = rows[treatment][unit]
            assert score.bits == pytest.approx(sums[treatment] / size)
            assert score.perplexity == pytest.approx(2 ** (sums[treatment] / size))
            assert score.ci95[0] < score.bits < score.ci95[1]
    assert (found.rows[0].unknown, found.rows[0].types, found.rows[0].spread) == (unknown, 1, 1)
    result = contender.result.splits["test"]["native"]
    assert rows["all"]["event"].bits == pytest.approx(result.bits_per_token)
    assert rows["all"]["word"].bits == pytest.approx(result.bits_per_word)
    assert rows["without"]["event"].perplexity == pytest.approx(result.perplexity_without_unk)


def test_charged_an_unknown_word_costs_naming_it_among_the_stated_types(contend, make_model):
    """p(<unk>) spread over the types makes a distribution over words again: it sums to one."""
    options = EvaluationOptions(resamples=500, generation={"prompts": 0}, open_vocabulary=64)
    model = make_model(1, unk=0.03)
    contender = contend(model, options=options)
    found = UNIT_TABLE.gather([contender], options)
    rows = by_treatment(found)
    row = found.rows[0]
    assert (found.stated, row.spread) == (64, 64)
    more = (rows["charged"]["event"].bits - rows["all"]["event"].bits) * rows["all"]["event"].count
    assert more == pytest.approx(row.unknown * 6)
    known = np.exp(model.table[model.tokenizer.bos]).sum() - np.exp(model.table[0, 2])
    assert known + 64 * (np.exp(model.table[0, 2]) / 64) == pytest.approx(1)


def test_fewer_types_than_the_text_has_are_not_believed(contend):
    tokenizer = CharTokenizer(["a", " "])
    model = Markov(tokenizer, markov_table(tokenizer.size, 4, unk=0.05))
    options = EvaluationOptions(resamples=500, generation={"prompts": 0}, open_vocabulary=2)
    row = UNIT_TABLE.gather([contend(model, options=options)], options).rows[0]
    assert (row.types, row.spread) == (3, 3)  # b, c, d
    units = {score.unit for scores in row.scores if scores.treatment == "without" for score in scores.units}
    assert units == {"event", "token", "character", "byte"}  # no word is one token here


def test_without_unknown_words_there_is_one_treatment(contend):
    model = Markov(WordTokenizer(["a", "b", "c", "dd"]), markov_table(7, 1, unk=0.01))
    row = UNIT_TABLE.gather([contend(model)], OPTIONS).rows[0]
    assert (row.unknown, row.spread) == (0, 0)
    assert [scores.treatment for scores in row.scores] == ["all"]


def test_the_interval_agrees_with_scipy(contend, make_model):
    options = EvaluationOptions(resamples=20_000, generation={"prompts": 0})
    contender = contend(make_model(1, unk=0.03), options=options)
    rows = by_treatment(UNIT_TABLE.gather([contender], options))
    test = contender.encoded.test
    pieces = np.split(-contender.scores[0].logprobs["test", "native"], test.starts[1:-1])
    referee = stats.bootstrap(
        (np.array([piece.sum() for piece in pieces]), test.bytes),
        lambda nats, size, axis: nats.sum(axis=axis) / size.sum(axis=axis) / math.log(2),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    width = referee.high - referee.low
    assert rows["all"]["byte"].ci95 == pytest.approx((referee.low, referee.high), abs=0.03 * width)


def test_an_impossible_event_is_infinite_and_one_that_is_unknown_is_left_out_with_the_unknown(
    contend, make_model
):
    rows = by_treatment(UNIT_TABLE.gather([contend(make_model(1, unk=0.0))], OPTIONS))
    for treatment in ("all", "charged"):
        assert rows[treatment]["event"].bits == rows[treatment]["byte"].perplexity == math.inf
        assert rows[treatment]["event"].ci95[1] == math.inf
    assert math.isfinite(rows["without"]["event"].bits)


def test_seeds_enter_by_their_mean(contend, make_model):
    models = [make_model(seed, unk=0.03) for seed in (1, 2)]
    both = by_treatment(UNIT_TABLE.gather([contend(*models)], OPTIONS))
    each = [by_treatment(UNIT_TABLE.gather([contend(model)], OPTIONS)) for model in models]
    for treatment in ("all", "without", "charged"):
        bits = np.mean([one[treatment]["byte"].bits for one in each])
        assert both[treatment]["byte"].bits == pytest.approx(bits)


def test_chinese_characters_are_counted_and_nothing_else_is_one():
    text = ["我在 Python３.12 里，看到〇和𠮷。", "abc"]
    tokenizer = CharTokenizer(sorted(set("".join(text)) - {"看", "𠮷"}))
    found = sizes(text, tokenizer.encode_document(text), tokenizer, words=False)
    assert found.counts["han"].tolist() == [8, 0]
    assert found.unknown["han"].tolist() == found.events.tolist() == [2, 0]
    assert found.unknown["byte"].tolist() == [7, 0]
    assert found.counts["token"].tolist() == [len(text[0]), 3]
    assert found.counts["byte"].tolist() == [len(line.encode()) + 1 for line in text]
    assert "word" not in found.counts and found.types == 2


def test_the_analysis_is_off_where_the_options_say_so(contend, make_model):
    off = EvaluationOptions(unit_table={"enabled": False})
    assert UNIT_TABLE.gather([contend(make_model())], off) is None


@pytest.fixture
def signed(make_corpus, encoded):
    """`signed(open_vocabulary)`: a text with 'd' outside the vocabulary and signs in place of other words."""

    def signed(entries, options):
        corpus = make_corpus(40, extra="<unk>")
        test = [
            replace(document, sentences=(*document.sentences, "b dd <unk>", "dd e"))
            for document in corpus.splits["test"]
        ]
        corpus = replace(corpus, splits={**corpus.splits, "test": test})
        tokenizer = WordTokenizer(entries)
        text = encoded(corpus, tokenizer)
        model = Markov(tokenizer, markov_table(tokenizer.size, 1, unk=0.03))
        cell, scores = evaluate(model, text, options, prepare(corpus, options), name="m", seed=0)
        return Contender(merge([cell], [scores], text, options), [scores], text, [cell])

    return signed


@pytest.mark.parametrize("known", [("dd", "e"), ()])
def test_words_that_the_text_itself_hides_are_unknown_and_of_no_known_number_of_types(signed, known):
    entries = ["a", "b", "c", "<unk>", *known]
    contender = signed(entries, OPTIONS)
    test = contender.encoded.test
    words = [w for s in contender.encoded.corpus.sentences("test") for w in [*s.split(), "\n"]]
    strange = np.array([w == "<unk>" or (w in ("dd", "e") and not known) for w in words])
    bits = -contender.scores[0].logprobs["test", "native"] / math.log(2)
    found = UNIT_TABLE.gather([contender], OPTIONS).rows[0]
    assert (found.unknown, found.signs) == (strange.sum(), words.count("<unk>"))
    assert found.types == found.spread == (0 if known else 2)
    rows = by_treatment(UNIT_TABLE.gather([contender], OPTIONS))
    assert set(rows) == ({"all", "without"} if known else {"all", "without", "charged"})
    assert rows["all"]["event"].bits == pytest.approx(bits.mean())
    assert rows["without"]["event"].bits == pytest.approx(bits[~strange].mean())
    left = sum(len(w.encode()) for w in np.array(words)[strange].tolist())
    between = sum(
        w in ("<unk>", *({"dd", "e"} - set(known))) and place > 0
        for s in contender.encoded.corpus.sentences("test")
        for place, w in enumerate(s.split())
    )
    assert rows["without"]["byte"].count == int(test.bytes.sum()) - left - between
    assert contender.result.splits["test"]["native"].unk_events == found.unknown

    stated = OPTIONS.model_copy(update={"open_vocabulary": 8})
    again = UNIT_TABLE.gather([signed(entries, stated)], stated)
    charged = by_treatment(again)["charged"]["event"]
    assert again.rows[0].spread == 8
    assert charged.bits * len(words) == pytest.approx(bits.sum() + 3 * strange.sum())

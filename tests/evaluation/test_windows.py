from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.units import units_of
from lmcompare.evaluation.windows import WINDOWS, spaced, strides, truncated
from lmcompare.interface import LanguageModel
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.windowed import Windowed
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(resamples=200, generation={"prompts": 0}, windows={"events": 60})


class Faithful(Markov):
    """Remembers the first token of what it reads: a context without an end."""

    context = None

    def score(self, documents):
        return [
            scores + (0 if not len(text) else -0.01 * (text[0] == 3)) * (np.arange(len(text)) > 0)
            for text, scores in zip(documents, super().score(documents), strict=True)
        ]


class Slides(Markov):
    """Has windows of four tokens."""

    context = 4

    def windowed(self, window, stride):
        return Windowed(self, window, stride)

    def context_lengths(self, length):
        return np.minimum(np.arange(length), 4)


class Rereads(Faithful):
    """Remembers the first token of each of its windows."""

    context = 4

    def windowed(self, window, stride):
        return Windowed(Faithful(self.tokenizer, markov_table(self.tokenizer.size, 1)), window, stride)


@pytest.fixture
def text(make_corpus, encoded, word_tokenizer):
    return encoded(make_corpus(60), word_tokenizer)


def test_events_are_spaced_evenly_and_taken_once():
    assert spaced(10, 5).tolist() == [1, 3, 5, 7, 9]
    assert spaced(3, 10).tolist() == [0, 1, 2]


@pytest.mark.parametrize("context", [0, 1, 3])
def test_a_truncated_score_is_that_of_the_last_tokens_read_as_a_document(text, make_model, context):
    model = make_model(policy="document")
    events = spaced(len(text.test.ids), 40)
    found = truncated(model, text.test, events, context)
    wanted = []
    for event in events:
        begin = max(start for start in np.asarray(text.test.starts) if start <= event)
        piece = np.asarray(text.test.ids)[max(begin, event - context) : event + 1]
        wanted.append(LanguageModel.score(model, [piece])[0][-1])
    assert found == pytest.approx(wanted, rel=1e-9)


def test_a_model_that_forgets_is_never_shown_the_sentence_before(text, make_model):
    model = make_model(policy="sentence")
    events = spaced(len(text.test.ids), 40)
    full = np.concatenate(model.score(text.test.documents))[events]
    assert truncated(model, text.test, events, 50) == pytest.approx(full, rel=1e-9)


def test_an_ngram_answers_with_its_lower_orders(text, word_tokenizer):
    model = train_ngram(text.train.documents, word_tokenizer, NgramOptions(order=3))
    events = spaced(len(text.test.ids), 40)
    for context in (0, 1, 2):
        wanted = np.concatenate(model.limited(context).score(text.test.documents))[events]
        assert np.array_equal(truncated(model, text.test, events, context), wanted)


def test_strides_read_more_for_more_context(text, word_tokenizer):
    model = Slides(word_tokenizer, markov_table(word_tokenizer.size, 1))
    units = units_of(text.test, 1, by_document=True)
    found = strides(model, text.test, 100, units, OPTIONS)
    assert [point.stride for point in found] == [4, 2, 1]
    assert [point.window for point in found] == [4, 4, 4]
    assert found[0].reads == pytest.approx(1)
    assert found[0].reads < found[1].reads < found[2].reads
    assert found[0].mean_context < found[1].mean_context < found[2].mean_context
    assert found[0].least_context == 1
    assert found[2].least_context == 4
    assert strides(replace_windows(model), text.test, 100, units, OPTIONS) == []


@pytest.mark.parametrize(("events", "by_document"), [(100, False), (500, True)])
def test_what_a_stride_saves_is_paired_by_documents_or_by_sentences_of_few(
    text, word_tokenizer, events, by_document
):
    model = Rereads(word_tokenizer, markov_table(word_tokenizer.size, 1))
    units = units_of(text.test, 1, by_document=True)
    first, second, _ = strides(model, text.test, events, units, OPTIONS)
    assert first.saved is None and first.saved_ci95 is None
    ids, starts = np.asarray(text.test.ids)[:events], np.asarray(text.test.starts)
    starts = starts[starts < events]
    assert (len(starts) >= 20) == by_document
    wide, narrow = (
        np.concatenate(model.windowed(4, stride).score(np.split(ids, starts[1:]))) for stride in (4, 2)
    )
    assert second.perplexity == pytest.approx(math.exp(-narrow.mean()))
    assert second.ci95[0] < second.perplexity < second.ci95[1]
    change = narrow - wide
    assert second.saved == pytest.approx(1 - math.exp(-change.mean()))
    begins = starts if by_document else np.concatenate([[0], np.flatnonzero(ids[:-1] == 1) + 1])
    error = math.sqrt(np.sum(np.add.reduceat(change - change.mean(), begins) ** 2)) / events
    low, high = second.saved_ci95
    assert high - low == pytest.approx(2 * 1.96 * error * (1 - second.saved), rel=0.25)


def replace_windows(model):
    return Markov(model.tokenizer, markov_table(model.tokenizer.size, 1))


def test_the_last_point_is_the_score_of_the_main_table_and_seeds_are_averaged(make_corpus, encoded):
    corpus = make_corpus(60)
    tokenizer = WordTokenizer(["a", "b", "c"])
    text = encoded(corpus, tokenizer)
    material = prepare(corpus, OPTIONS)
    found = [
        evaluate(
            Faithful(tokenizer, markov_table(tokenizer.size, seed)),
            text,
            OPTIONS,
            material,
            name="m",
            seed=seed,
        )
        for seed in (1, 2)
    ]
    cells, scores = [list(column) for column in zip(*found, strict=True)]
    both = Contender(merge(cells, scores, text, OPTIONS), scores, text, cells)
    shown = WINDOWS.gather([both], OPTIONS)
    events = spaced(len(text.test.ids), 60)
    means = [-each.logprobs["test", "native"][events].mean() / math.log(2) for each in scores]
    assert [cell.analyses.windows.curve[-1].bits for cell in cells] == pytest.approx(means, rel=1e-12)
    assert shown.rows[0].curve[-1].bits == pytest.approx(np.mean(means), rel=1e-12)
    low, high = shown.rows[0].curve[-1].ci95
    assert low < np.mean(means) < high
    assert WINDOWS.gather([replace(both, cells=())], OPTIONS) is None


def test_a_window_of_the_evaluation_bounds_what_every_model_sees(make_corpus, encoded):
    corpus, tokenizer = make_corpus(60), WordTokenizer(["a", "b", "c"])
    text = encoded(corpus, tokenizer)
    model = Faithful(tokenizer, markov_table(tokenizer.size, 1))
    options = OPTIONS.model_copy(update={"window": 3, "stride": 1})
    cell, scores = evaluate(model, text, options, prepare(corpus, OPTIONS), name="m", seed=1)
    assert cell.context == 3
    wanted = np.concatenate(Windowed(model, 3, 1).score(text.test.documents))
    assert np.array_equal(scores.logprobs["test", "native"], wanted)


def test_a_stride_needs_a_window():
    with pytest.raises(ValueError, match="stride 4 needs a window"):
        EvaluationOptions(stride=4)

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.context import Context, context_of
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.units import units_of
from lmcompare.evaluation.windows import strides
from lmcompare.models.windowed import Windowed


def slow(documents, seen_at):
    """Event by event: `seen_at(place in the document, tokens since the last line end)`."""
    pairs = []
    for document in documents:
        since = 0
        for place, token in enumerate(document):
            pairs.append((seen_at(place, since), place))
            since = 0 if token == 1 else since + 1
    cut = [seen for seen, place in pairs if seen < place]
    return sum(seen for seen, _ in pairs) / len(pairs), min(cut, default=None)


@pytest.fixture
def text(make_corpus, encoded, word_tokenizer):
    return encoded(make_corpus(), word_tokenizer).test


def told(found: Context):
    return pytest.approx(found.mean), found.least


@pytest.mark.parametrize("context", [0, 1, 3, 50, None])
@pytest.mark.parametrize("policy", ["document", "sentence"])
def test_it_is_what_counting_event_by_event_gives(context, policy, make_model, text):
    model = make_model(policy=policy)
    model.context = context
    most = 10**9 if context is None else context
    within = slow(text.documents, lambda place, since: min(since, most))
    across = slow(text.documents, lambda place, since: min(place, most))
    assert told(context_of(model, text.ids, text.starts, "matched")) == within
    assert told(context_of(model, text.ids, text.starts)) == (within if policy == "sentence" else across)


def test_a_model_that_sees_all_is_never_cut_but_where_it_is_made_to_forget(make_model, text):
    model = make_model()
    model.context = None
    assert context_of(model, text.ids, text.starts).least is None
    assert context_of(model, text.ids, text.starts, "matched").least == 0


@pytest.mark.parametrize("window, stride", [(4, 1), (4, 3), (6, 6), (200, 100)])
def test_windows_are_asked_and_begin_again_with_each_document(make_model, text, window, stride):
    model = Windowed(make_model(), window, stride)

    def seen(place, since):  # the last window begins at the first multiple of the stride that reaches it
        begin = 0
        while place - begin > window:
            begin += stride
        return place - begin

    assert told(context_of(model, text.ids, text.starts)) == slow(text.documents, seen)


def test_the_least_is_that_of_the_sweep_of_strides(text, word_tokenizer):
    class Slides(Markov):
        context = 4

        def windowed(self, window, stride):
            return Windowed(self, window, stride)

    model = Slides(word_tokenizer, markov_table(word_tokenizer.size, 1))
    units = units_of(text, word_tokenizer.eos, by_document=True)
    points = strides(model, text, len(text.ids), units, EvaluationOptions(resamples=100))
    found = [context_of(Windowed(model, 4, point.stride), text.ids, text.starts) for point in points]
    assert [(each.mean, each.least) for each in found] == [
        (pytest.approx(point.mean_context), point.least_context) for point in points
    ]
    assert [each.least for each in found] == [1, 3, 4]


def test_documents_without_text_see_nothing(make_model):
    model = make_model()
    assert context_of(model, np.zeros(0, dtype=int), np.array([0])) == Context(0.0, None)
    ids, starts = np.array([3, 4, 1]), np.array([0, 0, 3, 3])
    assert context_of(model, ids, starts) == Context(
        *slow([ids], lambda place, since: min(place, model.context))
    )


def test_what_was_found_is_found_again():
    assert Context.of(SimpleNamespace(mean_context=2.5, least_context=1)) == Context(2.5, 1)

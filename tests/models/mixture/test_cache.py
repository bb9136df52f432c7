import math

import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.laws import check
from lmcompare.models.matched import forget_at_eos
from lmcompare.models.mixture.cache import CacheModel, Recall

RECALL = Recall(np.array([0.05, 0.01, 0.3]), np.array([2.0, 0.7, 0.01]), np.array([0.4, 1.1, 2.0]))
CLASSIC = Recall(np.array([0.05, 0.01]), np.zeros(2), np.zeros(2))


def by_definition(history: list[int], recall: Recall, below: np.ndarray) -> np.ndarray:
    """The distribution after a history as the docstring of `CacheModel` defines it, count by count."""
    p = np.exp(below)
    for k in range(len(recall.rates)):
        context = history[len(history) - k :]
        if k > len(history):
            break
        counts: dict[int, float] = {}
        for place in range(k, len(history)):
            if history[place - k : place] == context:
                age = len(history) - place
                counts[history[place]] = counts.get(history[place], 0.0) + math.exp(-recall.rates[k] * age)
        total = sum(counts.values())
        if not counts:
            continue
        trust = total / (total + recall.masses[k] + recall.shares[k] * len(counts))
        p = (1 - trust) * p
        for word, count in counts.items():
            p[word] += trust * count / total
    with np.errstate(divide="ignore"):
        return np.log(p)


@pytest.mark.parametrize("recall", [RECALL, CLASSIC], ids=["smoothed", "classic"])
@pytest.mark.parametrize("over", [False, True])
def test_every_probability_is_the_one_that_the_formula_defines(words, texts, ngram, recall, over) -> None:
    below = ngram(3) if over else None
    model = CacheModel(words, recall, below)
    document = texts([45], seed=2)[0].tolist()
    even = np.log(np.where(np.arange(words.size) == words.bos, 1e-300, 1 / (words.size - 1)))
    even[words.bos] = -np.inf
    scores = model.score([np.array(document)])[0]
    for place in range(len(document)):
        history = document[:place]
        base = even if below is None else below.next_logprobs([np.array(history, dtype=int)])[0]
        expected = by_definition(history, recall, base)
        np.testing.assert_allclose(scores[place], expected[document[place]], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(
            model.next_logprobs([np.array(history, dtype=int)])[0], expected, rtol=1e-12
        )


@pytest.mark.parametrize("recall", [RECALL, CLASSIC], ids=["smoothed", "classic"])
@pytest.mark.parametrize("over", [False, True])
def test_every_law_holds(words, ngram, recall, over) -> None:
    model = CacheModel(words, recall, ngram(3) if over else None)
    results = check(model, tolerance=1e-6)
    assert [result for result in results if result.passed is False] == []
    matched = check(forget_at_eos(model), tolerance=1e-6)
    assert [result for result in matched if result.passed is False] == []


def test_what_another_document_said_changes_nothing(words, texts) -> None:
    model = CacheModel(words, RECALL)
    documents = texts([30, 50, 20])
    together = model.score(documents)
    for document, score in zip(documents, together, strict=True):
        np.testing.assert_array_equal(model.score([document])[0], score)


def test_it_remembers_over_eos(words) -> None:
    model = CacheModel(words, RECALL)
    said_before = model.score([np.array([5, 1, 5])])[0]
    assert said_before[2] > model.score([np.array([6, 1, 5])])[0][2]


def test_the_longest_n_gram_that_stood_before_is_told(words) -> None:
    model = CacheModel(words, RECALL)
    document = np.array([5, 6, 7, 5, 6, 8, 5, 6, 7, 1])
    assert model.matched_order([document, document])[1].tolist() == [0, 0, 0, 1, 2, 0, 1, 2, 3, 0]


def test_a_count_that_has_decayed_to_nothing_leaves_a_proper_distribution(words) -> None:
    model = CacheModel(words, Recall(np.array([5.0, 5.0]), np.zeros(2), np.zeros(2)))
    document = np.array([5, 6] + [7] * 400 + [5, 6, 1])
    distribution = model.next_logprobs([document[:-2]])[0]
    np.testing.assert_allclose(np.exp(distribution).sum(), 1)
    np.testing.assert_allclose(model.score([document])[0][-2], distribution[6])


def test_an_id_that_the_tokenizer_lacks_is_refused(words) -> None:
    with pytest.raises(InputError, match="an id outside the model's, 0 to 10"):
        CacheModel(words, RECALL).score([np.array([3, 11])])


def test_no_document_and_empty_documents_are_scored(words) -> None:
    model = CacheModel(words, RECALL)
    assert model.score([]) == []
    assert [len(each) for each in model.score([np.zeros(0, int), np.array([1])])] == [0, 1]
    assert model.next_logprobs([]).shape == (0, words.size)

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from lmcompare.errors import InputError
from lmcompare.laws import check
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.skip import SKIP, SkipModel, SkipOptions
from lmcompare.registry import Training
from lmcompare.text.tokenizers.word import WordTokenizer

WORDS = WordTokenizer([f"w{number}" for number in range(12)])


def some_text(lengths: list[int], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    documents = []
    for length in lengths:
        document = rng.choice(np.arange(2, 15), size=length, p=rng.dirichlet(np.full(13, 0.4)))
        document[2:] = np.where(rng.random(length - 2) < 0.5, (document[:-2] * 2) % 12 + 3, document[2:])
        document[rng.random(length) < 0.12] = 1
        document[-1] = 1
        documents.append(document)
    return documents


def trained(tmp_path: Path, distances: list[int], train: list[np.ndarray] | None = None) -> SkipModel:
    text = some_text([200, 300, 150]) if train is None else train
    return SKIP.train(Training(SkipOptions(distances=distances), WORDS, text, [], 1, tmp_path))


def reads_at(document: np.ndarray, distances: list[int]) -> list[list[int]]:
    """The context of each event, the nearest first, cut off after the first bos; token by token."""
    contexts = []
    sentence = 0
    for place in range(len(document)):
        context: list[int] = []
        for distance in distances:
            if context[-1:] == [0]:
                break
            context.append(int(document[place - distance]) if place - distance >= sentence else 0)
        contexts.append(context)
        sentence = place + 1 if document[place] == 1 else sentence
    return contexts


def by_definition(train: list[np.ndarray], distances: list[int], discounts: list[np.ndarray]) -> object:
    """p(context, word) by interpolated modified Kneser-Ney, from dictionaries."""
    events = [(tuple(c), int(w)) for d in train for c, w in zip(reads_at(d, distances), d, strict=True)]
    levels: list[dict[tuple[int, ...], dict[int, int]]] = [{} for _ in range(len(distances) + 1)]
    for k in range(len(distances) + 1):
        seen = set()
        for context, word in events:
            if len(context) < k:
                continue
            whole = context[: k + 1]
            plain = k == len(distances) or (k > 0 and context[k - 1] == 0)
            if plain or (whole, word) not in seen:
                seen.add((whole, word))
                row = levels[k].setdefault(context[:k], {})
                row[word] = row.get(word, 0) + 1

    def p(context: tuple[int, ...], word: int) -> float:
        k = len(context)
        lower = p(context[:-1], word) if k else (0.0 if word == 0 else 1 / (WORDS.size - 1))
        row = levels[k].get(context)
        if row is None:
            return lower
        total = sum(row.values())
        taken = [discounts[k][min(count, 3)] for count in row.values()]
        count = row.get(word, 0)
        return (count - discounts[k][min(count, 3)] + sum(taken) * lower) / total

    return p


def test_distances_in_a_row_give_the_n_gram_model_of_that_order(tmp_path) -> None:
    train = some_text([200, 300, 150])
    held_out = some_text([80, 60], seed=3)
    for order in (1, 2, 3):
        model = trained(tmp_path, list(range(1, order + 1)), train)
        ngram = train_ngram(train, WORDS, NgramOptions(order=order + 1, curve=False))
        for own, other in zip(model.score(held_out), ngram.score(held_out), strict=True):
            np.testing.assert_allclose(own, other, atol=2e-6)


@pytest.mark.parametrize("distances", [[2], [1, 3], [2, 3, 5]])
def test_every_probability_is_the_one_that_counting_by_hand_gives(tmp_path, distances, monkeypatch) -> None:
    fixed = (0.6, 0.9, 1.2)
    monkeypatch.setattr("lmcompare.models.ngram.skip_tables.discounts_from", lambda counts: fixed)
    train = some_text([200, 300, 150])
    model = trained(tmp_path, distances, train)
    p = by_definition(train, distances, [np.array([0.0, *fixed])] * (len(distances) + 1))
    document = some_text([60], seed=3)[0]
    scores = model.score([document])[0]
    for place, context in enumerate(reads_at(document, distances)):
        expected = [p(tuple(context), word) for word in range(WORDS.size)]
        assert np.exp(scores[place]) == pytest.approx(expected[document[place]], rel=1e-5)
        np.testing.assert_allclose(np.exp(model.next_logprobs([document[:place]])[0]), expected, atol=1e-6)


@pytest.mark.parametrize("distances", [[1], [3], [1, 3], [2, 3, 5]])
def test_every_law_holds(tmp_path, distances) -> None:
    model = trained(tmp_path, distances)
    results = check(model, tolerance=1e-6, retrain=lambda: trained(tmp_path, distances))
    assert [result for result in results if result.passed is False] == []
    assert all(result.passed for result in results)


def test_a_gap_sees_what_a_bigram_cannot(tmp_path) -> None:
    train, held_out = some_text([2000, 1500]), some_text([500], seed=3)
    near = np.concatenate(trained(tmp_path, [1], train).score(held_out)).mean()
    assert np.concatenate(trained(tmp_path, [2], train).score(held_out)).mean() > near + 0.05


def test_the_number_of_context_tokens_used_is_told(tmp_path) -> None:
    model = trained(tmp_path, [1, 2], [np.array([3, 4, 5, 6, 1])])
    told = model.matched_order([np.array([3, 4, 5, 9, 6, 1])])[0]
    # after bos alone; two tokens; two; a word never seen; its follower; and the end after 6 only
    assert told.tolist() == [2, 3, 3, 1, 1, 2]


def test_empty_texts_are_answered(tmp_path) -> None:
    with pytest.raises(InputError, match="the training text is empty"):
        trained(tmp_path, [1], [np.zeros(0, int)])
    model = trained(tmp_path, [2])
    assert model.score([]) == []
    assert len(model.score([np.zeros(0, int)])[0]) == 0
    with pytest.raises(InputError, match="an id outside the model's"):
        model.score([np.array([15])])


@pytest.mark.parametrize("distances", [[], [0], [2, 2], [3, 1], [17]])
def test_distances_that_do_not_rise_are_refused(distances) -> None:
    with pytest.raises(ValidationError):
        SkipOptions(distances=distances)

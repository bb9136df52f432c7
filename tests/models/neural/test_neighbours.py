import numpy as np
import pytest

from lmcompare.models.neural import neighbours
from lmcompare.models.neural.neighbours import Search, Store


def vectors_of(number, width=5, seed=0):
    return np.random.default_rng(seed).normal(size=(number, width)).astype(np.float32)


def by_sorting(keys, query, k):
    far = np.square(keys.astype(np.float64) - query).sum(axis=1)
    order = np.argsort(far, kind="stable")[:k]
    return order, far[order]


@pytest.mark.parametrize("keys", [1, 7, 100, 1111])
@pytest.mark.parametrize("k", [1, 3, 20])
def test_the_nearest_are_those_that_sorting_all_distances_finds(monkeypatch, keys, k):
    monkeypatch.setattr(neighbours, "KEYS", 300)
    monkeypatch.setattr(neighbours, "GROUP", 4)
    monkeypatch.setattr(neighbours, "TIES", 0.0)
    stored, asked = vectors_of(keys).astype(np.float16), vectors_of(9, seed=1)
    found = Search(stored, faiss=False).nearest(asked, k)
    for row, query in enumerate(asked):
        numbers, far = by_sorting(stored, query, k)
        assert found.keys[row, : len(numbers)].tolist() == numbers.tolist()
        assert found.distances[row, : len(numbers)] == pytest.approx(far, rel=1e-4, abs=1e-4)
        assert np.isinf(found.distances[row, len(numbers) :]).all()


def test_faiss_finds_the_same():
    pytest.importorskip("faiss", reason="faiss is not installed")
    stored, asked = vectors_of(2000, 8).astype(np.float16), vectors_of(50, 8, seed=1)
    ours, theirs = (
        Search(stored, faiss=False).nearest(asked, 10),
        Search(stored, faiss=True).nearest(asked, 10),
    )
    assert np.array_equal(ours.keys[:, :10], theirs.keys[:, :10])
    assert ours.distances == pytest.approx(theirs.distances, rel=1e-4)


def test_what_ties_with_the_last_neighbour_is_one_too():
    stored = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [2, 0]], dtype=np.float16)
    found = Search(stored, faiss=False).nearest(np.zeros((1, 2), np.float32), 2)
    assert np.isfinite(found.distances).sum() == 4


def test_equal_vectors_are_stored_once_with_the_counts_of_what_followed():
    vectors = np.array([[0.5, 1], [2, 3], [0.5, 1], [0.5, 1], [-0.0, 3], [0.0, 3]])
    store = Store.of(vectors, np.array([7, 2, 4, 7, 1, 1]))
    assert len(store.keys) == 3
    kept = {}
    for number, key in enumerate(store.keys.tolist()):
        part = slice(store.starts[number], store.starts[number + 1])
        kept[tuple(key)] = dict(zip(store.tokens[part].tolist(), store.counts[part].tolist(), strict=True))
    assert kept == {(0.5, 1): {4: 1, 7: 2}, (2, 3): {2: 1}, (0, 3): {1: 2}}
    assert sorted(store.totals().tolist()) == [1, 2, 3]
    number = int(np.flatnonzero(store.keys[:, 0] == 0.5)[0])
    others = int(np.flatnonzero(store.keys[:, 0] == 2)[0])
    found = store.counts_of(np.array([[number, others]] * 4), np.array([7, 4, 2, 9]))
    assert found.tolist() == [[2, 0], [1, 0], [0, 1], [0, 0]]

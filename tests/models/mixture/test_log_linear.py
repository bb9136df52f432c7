import numpy as np
import pytest
from scipy.optimize import minimize

from lmcompare.errors import InputError
from lmcompare.laws import check
from lmcompare.models.mixture import log_linear
from lmcompare.models.mixture.cache import CacheModel, Recall
from lmcompare.models.mixture.log_linear import LogLinearMixture, fit_powers


@pytest.fixture
def members(words, ngram):
    return [ngram(3), CacheModel(words, Recall.of_order(2, over=False)), ngram(1, seed=1)]


@pytest.mark.parametrize("powers", [[0.5, 0.3, 0.2], [1.3, 0.0, 0.4]])
def test_every_law_holds(words, members, powers) -> None:
    results = check(LogLinearMixture(words, members, ["a", "b", "c"], np.array(powers)), tolerance=1e-6)
    assert [result for result in results if result.passed is False] == []


def test_every_probability_is_the_normalised_product(words, members, texts) -> None:
    powers = np.array([0.9, 0.2, 0.4])
    model = LogLinearMixture(words, members, ["a", "b", "c"], powers)
    document = texts([25], seed=9)[0]
    scores = model.score([document, document[:7]])
    for place in range(len(document)):
        said = [np.exp(member.next_logprobs([document[:place]])[0]) for member in members]
        p = np.prod([each**power for each, power in zip(said, powers, strict=True)], axis=0)
        expected = np.log(p[document[place]] / p.sum())
        assert scores[0][place] == pytest.approx(expected, abs=1e-12)
        if place < 7:
            assert scores[1][place] == pytest.approx(expected, abs=1e-12)


def test_scores_do_not_depend_on_how_many_documents_are_read_at_once(
    words, members, texts, monkeypatch
) -> None:
    model = LogLinearMixture(words, members, ["a", "b", "c"], np.array([0.9, 0.2, 0.4]))
    documents = [*texts([9, 30, 4, 17]), np.zeros(0, int)]
    together = model.score(documents)
    monkeypatch.setattr(log_linear, "AT_ONCE", 2 * 3 * words.size)
    for a, b in zip(together, model.score(documents), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_powers_are_the_optimum_that_scipy_finds(words, members, texts) -> None:
    documents = texts([30, 25], seed=10)

    def surprisal(powers: np.ndarray) -> float:
        model = LogLinearMixture(words, members, ["a", "b", "c"], powers)
        return -float(np.concatenate(model.score(documents)).mean())

    found = fit_powers(members, documents, np.full(3, 1 / 3))
    best = minimize(
        surprisal, np.full(3, 1 / 3), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12}
    )
    assert np.all(found >= 0)
    assert surprisal(found) == pytest.approx(min(best.fun, surprisal(found)), abs=1e-6)
    assert surprisal(found) < surprisal(np.full(3, 1 / 3))


def test_a_member_that_finds_an_event_impossible_is_refused(words, members, texts) -> None:
    classic = CacheModel(words, Recall(np.zeros(1), np.zeros(1), np.zeros(1)))
    with pytest.raises(InputError, match=r"members\[1\]: the member gives probability zero"):
        fit_powers([members[0], classic], texts([30]), np.full(2, 0.5))

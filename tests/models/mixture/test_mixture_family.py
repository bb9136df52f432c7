import numpy as np
import pytest

from lmcompare import registry
from lmcompare.laws import check
from lmcompare.models.mixture import weights
from lmcompare.models.mixture.cache import CacheModel
from lmcompare.models.mixture.family import CACHE, MIXTURE
from lmcompare.models.mixture.options import CacheOptions, MixtureOptions


def valid_surprisal(model, job) -> float:
    return -float(np.concatenate(model.score(job.valid)).mean())


@pytest.mark.parametrize(
    "settings",
    [
        {"members": ["a", "cache"]},
        {"members": ["a", {"kind": "cache", "order": 2, "over": "a"}], "bins": ["order"], "adapt": "online"},
        {"members": ["a", "b"], "bins": "frequency", "adapt": "bayes"},
        {"members": ["a", "cache"], "rule": "log-linear"},
        {"members": ["a", "b"], "weights": [3.0, 1.0]},
    ],
    ids=str,
)
def test_a_trained_mixture_keeps_every_law(training, ngram, tmp_path, settings) -> None:
    job = training(MixtureOptions(**settings), a=ngram(3), b=ngram(1, seed=1))
    results = check(MIXTURE.train(job), tolerance=1e-6, retrain=lambda: MIXTURE.train(job))
    assert [result for result in results if result.passed is False] == []
    MIXTURE.train(job).save(tmp_path / "model")
    again = registry.models.get("mixture").load(tmp_path / "model")
    np.testing.assert_array_equal(again.score(job.valid)[1], MIXTURE.train(job).score(job.valid)[1])


def test_each_thing_that_is_fitted_makes_the_validation_text_more_likely(training, ngram) -> None:
    members = {"a": ngram(3), "b": ngram(1, seed=1)}
    reached = []
    for settings in (
        {"weights": [1.0, 1.0, 1.0]},
        {},
        {"adapt": "online"},
        {"adapt": "online", "bins": "order"},
    ):
        job = training(MixtureOptions(members=["a", "b", "cache"], **settings), **members)
        reached.append(valid_surprisal(MIXTURE.train(job), job))
    assert reached[1] < reached[0] - 1e-3
    assert reached[2] <= reached[1]
    assert reached[3] < reached[2]


def test_em_weights_are_those_of_the_validation_text(training, ngram) -> None:
    job = training(MixtureOptions(members=["a", "b"]), a=ngram(3), b=ngram(1, seed=1))
    model = MIXTURE.train(job)
    np.testing.assert_allclose(model.weights[0], weights.fit(model.member_scores(job.valid)))


def test_given_weights_are_kept_and_scaled_to_one(training, ngram) -> None:
    options = MixtureOptions(members=["a", "b"], weights=[3.0, 1.0], adapt="bayes", bins="order")
    model = MIXTURE.train(training(options, a=ngram(3), b=ngram(1, seed=1)))
    np.testing.assert_allclose(model.weights, np.tile([0.75, 0.25], (model.bins.count, 1)))
    assert model.adaptation is not None


def test_a_cache_over_nothing_is_the_classic_one_inside_a_mixture_only(training, ngram) -> None:
    inside = MIXTURE.train(training(MixtureOptions(members=["a", "cache"]), a=ngram(2))).members[1]
    assert inside.recall.masses[0] == 0
    assert CACHE.train(training(CacheOptions())).recall.masses[0] > 0


def test_a_cache_over_a_model_is_fitted_to_it_and_better_than_the_model(training, ngram) -> None:
    job = training(CacheOptions(order=2, over="a"), a=ngram(3))
    model = CACHE.train(job)
    assert isinstance(model, CacheModel)
    assert valid_surprisal(model, job) < valid_surprisal(model.over, job) - 0.01


def test_decay_that_was_given_is_kept(training) -> None:
    model = CACHE.train(training(CacheOptions(order=2, decay=0.99)))
    np.testing.assert_allclose(np.exp(-model.recall.rates), 0.99)
    model = CACHE.train(training(CacheOptions(order=2, decay=[0.99, 1.0], trust="full")))
    np.testing.assert_allclose(np.exp(-model.recall.rates), [0.99, 1.0])


def test_without_a_validation_text_it_can_still_be_made(training, ngram) -> None:
    for settings in ({}, {"adapt": "online", "bins": "position"}, {"rule": "log-linear"}):
        job = training(MixtureOptions(members=["a", "b"], **settings), valid=[], a=ngram(2), b=ngram(1))
        assert np.isfinite(MIXTURE.train(job).score([np.array([3, 4, 1])])[0]).all()


def test_progress_tells_the_weights(training, ngram) -> None:
    told = []
    job = training(MixtureOptions(members=["a", "cache"]), a=ngram(2))
    job = type(job)(**{**{f: getattr(job, f) for f in job.__slots__}, "progress": told.append})
    MIXTURE.train(job)
    assert told[-1].note.startswith("a 0.")
    assert "cache 0." in told[-1].note

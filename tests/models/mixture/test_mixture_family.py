import numpy as np
import pytest

from lmcompare import registry
from lmcompare.laws import check
from lmcompare.models.mixture import weights
from lmcompare.models.mixture.cache import CacheModel
from lmcompare.models.mixture.family import CACHE, MIXTURE
from lmcompare.models.mixture.options import CacheOptions, MixtureOptions
from lmcompare.models.ngram.count_files import write_counts
from lmcompare.models.ngram.counts import count, lay_out
from lmcompare.registry import Training
from lmcompare.text.tokenizers import TokenizerOptions, build


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


def in_domain(first: int, number: int, seed: int) -> list[str]:
    """Sentences of six words of a domain's own and two common ones; most words have a usual next one."""
    rng = np.random.default_rng(seed)
    words, lines = [f"w{k}" for k in range(first, first + 6)] + ["und", "die"], []
    for _ in range(number):
        line = [int(rng.integers(8))]
        while rng.random() < 0.85:
            line.append((3 * line[-1] + 1) % 8 if rng.random() < 0.7 else int(rng.integers(8)))
        lines.append(" ".join(words[index] for index in line))
    return lines


@pytest.mark.parametrize("rule", ["linear", "log-linear"])
def test_the_counts_of_another_domain_help_on_a_text_of_both(tmp_path, rule) -> None:
    own, other = in_domain(0, 60, 0), in_domain(6, 60, 1)
    known = build(TokenizerOptions(kind="word"), [*own, "w6 w7 w8 w9 w10"])  # of the other domain without w11
    theirs = build(TokenizerOptions(kind="word"), other)
    stream = lay_out([theirs.encode_document(other)], theirs.bos, theirs.eos)
    write_counts(count(stream, 2, theirs.size, theirs.bos), theirs, tmp_path / "other.gz")
    valid, test = ([known.encode_document(in_domain(first, 20, seed)) for first in (0, 6)] for seed in (2, 3))
    alone = {"kind": "ngram", "order": 2}
    options = MixtureOptions(members=[alone, {**alone, "counts": str(tmp_path / "other.gz")}], rule=rule)
    job = Training(options, known, [known.encode_document(own)], valid, 1, tmp_path)
    model = MIXTURE.train(job)
    mixed, *apart = (np.concatenate(each.score(test)).mean() for each in (model, *model.members))
    assert mixed > max(apart) + 0.2
    if rule == "linear":
        assert model.weights.sum() == pytest.approx(1) and np.all(model.weights > 0.2)
    unknown = sum(line.split().count("w11") for line in other)
    share = f"{unknown / stream.events:.2%} of the {stream.events:,} events in the counts"
    assert [share in note for note in model.notes if "unknown here" in note] == [True]


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

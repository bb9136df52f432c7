import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.laws import check
from lmcompare.models.matched import forget_at_eos
from lmcompare.models.mixture.adaptation import Adaptation
from lmcompare.models.mixture.bins import Frequency
from lmcompare.models.mixture.cache import CacheModel, Recall
from lmcompare.models.mixture.linear import LinearMixture

FEATURES = [[], ["order"], ["cache"], ["frequency"], ["position"], ["order", "cache"]]
MOVING = [None, Adaptation(False, 0.1), Adaptation(True, 0.05)]


@pytest.fixture
def make(words, texts, ngram):
    def build(features=(), adaptation=None, members=None) -> LinearMixture:
        classic = CacheModel(words, Recall(np.array([0.01, 0.0]), np.zeros(2), np.zeros(2)))
        members = members or [ngram(3), classic, ngram(1, seed=1)]
        frequency = Frequency.of_text(texts([300]), words.size, words.bos)
        names = [f"m{number}" for number in range(len(members))]
        even = np.full((1, len(members)), 1 / len(members))
        count = LinearMixture(words, members, names, even, features, None, frequency).bins.count
        weights = np.random.default_rng(1).dirichlet(np.ones(len(members)), size=count)
        return LinearMixture(words, members, names, weights, features, adaptation, frequency)

    return build


@pytest.mark.parametrize("features", FEATURES, ids=lambda names: "+".join(names) or "none")
@pytest.mark.parametrize("adaptation", MOVING, ids=["fixed", "online", "bayes"])
def test_every_law_holds(make, features, adaptation) -> None:
    results = check(make(features, adaptation), tolerance=1e-6)
    assert [result for result in results if result.passed is False] == []
    assert sum(result.passed is True for result in results) >= 8


def test_a_mixture_of_sentence_models_has_their_policy_and_context(make, ngram) -> None:
    plain = make(members=[ngram(3), ngram(2)])
    assert (plain.policy, plain.context) == ("sentence", 2)
    binned = make(["order"], members=[ngram(3), ngram(2)])
    assert (binned.policy, binned.context) == ("sentence", 3)
    for model in (plain, binned, make(["frequency"], members=[ngram(1), ngram(1, seed=1)])):
        results = check(model, tolerance=1e-6)
        assert [result for result in results if result.passed is False] == []
        assert all(result.passed for result in results if "beyond the context" in result.law)
    moving = make(adaptation=MOVING[1], members=[ngram(3), ngram(2)])
    assert (moving.policy, moving.context) == ("document", None)


def test_the_score_is_the_weighted_mean_of_probabilities(make, texts) -> None:
    model = make()
    documents = texts([40, 30], seed=8)
    members = [np.exp(np.concatenate(member.score(documents))) for member in model.members]
    expected = np.log(np.stack(members, axis=1) @ model.weights[0])
    np.testing.assert_allclose(np.concatenate(model.score(documents)), expected, rtol=1e-12)


def test_weights_by_bins_are_those_of_the_context_before_the_event(make, texts) -> None:
    model = make(["order", "cache"])
    documents = texts([40, 30], seed=8)
    members = np.stack([np.exp(np.concatenate(m.score(documents))) for m in model.members], axis=1)
    weights = model.weights[model.bins.events(documents)]
    expected = np.log((members * weights).sum(axis=1))
    np.testing.assert_allclose(np.concatenate(model.score(documents)), expected, rtol=1e-12)


def test_a_mixture_may_be_a_member_and_may_be_made_to_forget(make, ngram) -> None:
    inner = make(["cache"], MOVING[1])
    outer = make(["order"], MOVING[2], members=[inner, ngram(2)])
    for model in (outer, forget_at_eos(outer)):
        results = check(model, tolerance=1e-6)
        assert [result for result in results if result.passed is False] == []


def test_a_folder_of_another_rule_is_refused(make, tmp_path) -> None:
    from lmcompare.models.mixture.log_linear import LogLinearMixture

    make().save(tmp_path / "model")
    with pytest.raises(InputError, match="not a log-linear mixture"):
        LogLinearMixture.load(tmp_path / "model")


def test_a_damaged_member_is_named(make, tmp_path) -> None:
    make().save(tmp_path / "model")
    (tmp_path / "model" / "member-1" / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="member-1/weights.safetensors"):
        LinearMixture.load(tmp_path / "model")

from dataclasses import replace

import numpy as np
import pytest

from lmcompare import registry
from lmcompare.laws import check
from lmcompare.models.mixture.memory_options import NeighbourOptions
from lmcompare.models.neural.neighbour_model import NeighbourModel
from lmcompare.models.neural.neighbours import Store
from lmcompare.registry import Training

KINDS = ("feedforward", "rnn", "gru", "lstm", "transformer")


@pytest.fixture
def neighbour_model(small_model, documents):
    """`make(kind, k=5, **options)`: a model that has read 60 tokens."""

    def make(kind, k=5, **options):
        member = small_model(kind, **options)
        texts = documents([40, 20], seed=8)
        vectors = np.concatenate(member.score_with_vectors(texts)[1])
        store = Store.of(vectors, np.concatenate(texts))
        return NeighbourModel(member, store, k, 5.0, 0.3, {})

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_definition(neighbour_model, documents, kind):
    """Khandelwal et al. (2020), equations 2 and 3, over all distances."""
    model = neighbour_model(kind, k=6)
    store, member = model.store, model.member
    for document in documents([1, 12]):
        vectors = member.vectors_after([document[:-1]])[0].astype(np.float64)
        expected = []
        for place, token in enumerate(document):
            far = np.square(store.keys.astype(np.float64) - vectors[place]).sum(axis=1)
            near = np.zeros(11)
            for key in np.flatnonzero(far <= np.sort(far)[5] + model.search.slack):
                for pair in range(store.starts[key], store.starts[key + 1]):
                    near[store.tokens[pair]] += store.counts[pair] * np.exp((far.min() - far[key]) / 5.0)
            p = 0.7 * np.exp(member.next_logprobs([document[:place]])[0]) + 0.3 * near / near.sum()
            expected.append(np.log(p[token]))
        assert model.score([document])[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "options"),
    [*((kind, {}) for kind in KINDS), ("lstm", {"softmaxes": 2}), ("transformer", {"memory": 5})],
)
def test_every_law_holds(neighbour_model, documents, toy_tokenizers, kind, options):
    results = check(neighbour_model(kind, **options), documents([1, 6, 14]))
    assert [result for result in results if result.passed is False] == []
    assert sum(result.passed is True for result in results) >= 7


def job_for(small_model, documents, tmp_path, **options):
    member = small_model("feedforward")
    chosen = NeighbourOptions(member="network", k=16, **options)
    train = documents([60, 50, 40])
    valid = [np.concatenate([train[0][10:40], documents([10], seed=4)[0]])]
    return Training(chosen, member.tokenizer, train, valid, 1, tmp_path, members={"network": member})


def test_tuned_on_text_that_repeats_the_training_text_it_gains(small_model, documents, tmp_path):
    job = job_for(small_model, documents, tmp_path)
    model = registry.models.get("knn").train(job)
    assert (model.facts["entries"], model.facts["training_tokens"]) == (150, 150)
    found = np.exp(-model.score(job.valid)[0].mean())
    assert found < 0.5 * model.facts["valid_ppl_alone"]
    assert found == pytest.approx(min(each["valid_ppl"] for each in model.facts["tried"]), rel=1e-4)


def test_without_validation_text_the_network_is_left_alone_and_that_is_said(small_model, documents, tmp_path):
    notes = []
    job = replace(job_for(small_model, documents, tmp_path), valid=[], progress=notes.append)
    assert registry.models.get("knn").train(job).weight == 0
    assert notes[-1].note == "no validation text: the weight is 0, so the neighbours add nothing"


def test_no_more_is_stored_than_was_allowed_and_the_note_says_so(small_model, documents, tmp_path):
    notes = []
    job = job_for(small_model, documents, tmp_path, entries=70, temperature=2.0, weight=0.2)
    job = Training(**{**{f: getattr(job, f) for f in job.__dataclass_fields__}, "progress": notes.append})
    model = registry.models.get("knn").train(job)
    assert model.store.counts.sum() == 70
    assert (model.k, model.temperature, model.weight) == (16, 2.0, 0.2)
    assert any("70 of 150 training tokens" in each.note for each in notes)

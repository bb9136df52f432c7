from dataclasses import replace

import numpy as np
import pytest

from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.laws import check
from lmcompare.models.mixture.memory_options import NeuralCacheOptions
from lmcompare.models.neural.neural_cache import NeuralCacheModel, train
from lmcompare.registry import Training

KINDS = ("feedforward", "rnn", "gru", "lstm", "transformer")


def by_definition(model, document):
    """Grave et al. (2017), equations 2 and 3, one event and one place of the past after the other."""
    network = model.member
    scores = []
    vectors = network.vectors_after([document[:-1]])[0].astype(np.float64)
    for t, token in enumerate(document):
        p = np.exp(network.next_logprobs([document[:t]])[0])
        cached = np.zeros(len(p))
        for i in range(max(0, t - model.window), t):
            cached[document[i]] += np.exp(model.theta * sum(vectors[t] * vectors[i]))
        if t:
            p = (1 - model.weight) * p + model.weight * cached / cached.sum()
        scores.append(np.log(p[token]))
    return np.array(scores)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("window", [3, 100])
def test_scores_are_those_of_the_definition(small_model, documents, kind, window):
    model = NeuralCacheModel(small_model(kind), 0.1, 0.3, window, {})
    for document in documents([1, 9, 30]):
        assert model.score([document])[0] == pytest.approx(by_definition(model, document), abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "options", "window"),
    [
        *((kind, {}, 4) for kind in KINDS),
        ("lstm", {"softmaxes": 2}, 1000),
        ("transformer", {"memory": 5}, 1000),
    ],
)
def test_every_law_holds(small_model, documents, toy_tokenizers, kind, options, window):
    model = NeuralCacheModel(small_model(kind, **options), 0.2, 0.4, window, {})
    results = check(model, documents([1, 6, 14]))
    assert [result for result in results if result.passed is False] == []
    assert sum(result.passed is True for result in results) >= 7


def test_long_documents_are_compared_block_by_block(small_model, documents):
    model = NeuralCacheModel(small_model("lstm"), 0.1, 0.3, 300, {})
    document = documents([700])[0]
    places = np.array([255, 256, 257, 299, 300, 301, 512, 650])
    stepped = model.next_logprobs([document[:place] for place in places])
    assert model.score([document])[0][places] == pytest.approx(
        stepped[np.arange(8), document[places]], abs=1e-5
    )


def job_for(small_model, documents, tmp_path, **options):
    model = small_model("feedforward")
    chosen = NeuralCacheOptions(member="network", **options)
    return Training(
        chosen, model.tokenizer, [], documents([80, 90], seed=4), 1, tmp_path, members={"network": model}
    )


def test_tuned_numbers_are_no_worse_than_those_around(small_model, documents, tmp_path):
    job = job_for(small_model, documents, tmp_path)
    model = registry.models.get("neural-cache").train(job)

    def likelihood(theta, weight):
        tried = NeuralCacheModel(model.member, theta, weight, model.window, {})
        return np.concatenate(tried.score(job.valid)).mean()

    best = likelihood(model.theta, model.weight)
    assert 0 < model.weight < 1
    assert best > np.concatenate(model.member.score(job.valid)).mean()
    for factor in (0.25, 4):
        assert best > likelihood(model.theta * factor, model.weight)
    for change in (-0.1, 0.1):
        assert best > likelihood(model.theta, np.clip(model.weight + change, 0.001, 0.999))
    assert min(each["valid_ppl"] for each in model.facts["tried"]) < model.facts["valid_ppl_alone"]


def test_what_is_given_is_not_tuned(small_model, documents, tmp_path):
    job = job_for(small_model, documents, tmp_path, theta=0.07)
    model = train(job, job.options, job.members["network"])
    assert model.theta == 0.07 and 0 < model.weight < 1
    job = job_for(small_model, documents, tmp_path, weight=0.25)
    model = train(job, job.options, job.members["network"])
    assert model.weight == 0.25 and model.theta > 0


def test_without_validation_text_the_network_is_left_alone_and_that_is_said(small_model, documents, tmp_path):
    notes = []
    job = replace(job_for(small_model, documents, tmp_path), valid=[], progress=notes.append)
    assert registry.models.get("neural-cache").train(job).weight == 0
    assert notes[-1].note == "no validation text: the weight is 0, so the cache adds nothing"
    notes.clear()
    given = job_for(small_model, documents, tmp_path, weight=0.2, theta=0.1)
    train(replace(given, valid=[], progress=notes.append), given.options, given.members["network"])
    assert not any("adds nothing" in each.note for each in notes)


def test_a_member_that_is_no_network_is_refused(small_model, documents, tmp_path):
    job = job_for(small_model, documents, tmp_path)
    cache = registry.models.get("neural-cache").train(job)
    with pytest.raises(InputError, match="no hidden vectors"):
        train(job, job.options, cache)


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_compiled_loops_of_the_network_change_no_answer(small_model, documents, kind):
    member = small_model(kind)
    model = NeuralCacheModel(member, 0.2, 0.4, 100, {})
    document = documents([9])[0]
    expected = model.score([document])[0]
    member.compiles = True
    model.prepare_writing(1, 1_000_000)
    assert member.embedding.compiled
    said, state = model.start(1)
    for place, token in enumerate(document):
        assert said[0, token] == pytest.approx(expected[place], abs=1e-5)
        said, state = model.step(np.array([token]), state)


def test_operations_grow_with_what_is_remembered(small_model):
    member = small_model("lstm")
    model = NeuralCacheModel(member, 0.2, 0.4, 100, {})
    assert model.flops(10) == member.flops(10) + 2 * 16 * 10
    assert model.flops(1000) == member.flops(1000) + 2 * 16 * 100

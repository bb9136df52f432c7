import numpy as np
import pytest
from pydantic import ValidationError

from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.laws import check
from lmcompare.models.mixture.memory_options import DynamicOptions, NeighbourOptions, NeuralCacheOptions
from lmcompare.models.mixture.options import MixtureOptions
from lmcompare.models.nested_folder import save_with_members

LSTM = {"kind": "lstm", "width": 8, "steps": 15, "batch": 4, "length": 8}
MEMORIES = {
    "neural-cache": {},
    "dynamic": {"segments": 5, "segment": 4, "rate": 0.01, "decay": 0.01},
    "knn": {"k": 8},
}


def train(training, kind, options, **members):
    chosen = registry.models.get(kind).options.model_validate(options)
    return registry.models.get(kind).train(training(chosen, **members))


@pytest.fixture
def lstm(training):
    options = {key: value for key, value in LSTM.items() if key != "kind"}
    return train(training, "lstm", options)


def test_memories_are_members_of_a_mixture_beside_ngrams_and_caches(training, texts, ngram, lstm):
    members = ["2-gram", *({"kind": kind, "member": "LSTM", **own} for kind, own in MEMORIES.items())]
    options = MixtureOptions(members=[*members, {"kind": "cache"}], adapt="online")
    named = [("members[0]", "2-gram"), *((f"members[{n}].member", "LSTM") for n in (1, 2, 3))]
    assert options.named_members() == named
    mixture = registry.models.get("mixture").train(training(options, **{"2-gram": ngram(2), "LSTM": lstm}))
    assert [member.kind for member in mixture.members] == ["ngram", *MEMORIES, "cache"]
    results = check(mixture, texts([1, 5, 9], 3))
    assert [result for result in results if result.passed is False] == []


def test_scores_of_a_mixture_are_the_weighted_probabilities_of_its_members(training, texts, ngram, lstm):
    options = {"members": ["2-gram", {"kind": "neural-cache", "member": "LSTM"}], "weights": [0.3, 0.7]}
    mixture = train(training, "mixture", options, **{"2-gram": ngram(2), "LSTM": lstm})
    document = texts([40], 9)
    said = [np.exp(member.score(document)[0]) for member in mixture.members]
    assert mixture.score(document)[0] == pytest.approx(np.log(0.3 * said[0] + 0.7 * said[1]), abs=1e-9)


@pytest.mark.parametrize("kind", MEMORIES)
def test_a_member_may_be_a_table_and_the_model_is_loaded_as_it_was_saved(training, texts, tmp_path, kind):
    model = train(training, kind, {"member": LSTM, **MEMORIES[kind]})
    model.save(tmp_path / "model")
    loaded = registry.models.get(kind).load(tmp_path / "model")
    document = texts([30], 9)
    assert np.array_equal(model.score(document)[0], loaded.score(document)[0])
    assert loaded.facts == model.facts
    assert {file.suffix for file in (tmp_path / "model").rglob("*") if file.is_file()} == {
        ".json",
        ".safetensors",
    }


def test_a_dynamic_model_that_was_saved_without_its_damping_is_refused(training, texts, tmp_path):
    model = train(training, "dynamic", {"member": LSTM, **MEMORIES["dynamic"], "damping": 2.0})
    model.save(tmp_path / "whole")
    loaded = registry.models.get("dynamic").load(tmp_path / "whole")
    assert (loaded.rate, loaded.decay, loaded.damping) == (0.01, 0.01, 2.0)
    config = {"segment": 4, "rate": 0.01, "decay": 0.01, "facts": {}}
    save_with_members(tmp_path / "old", "dynamic", config, {}, model.tokenizer, [model.member])
    with pytest.raises(InputError, match="before damping could be set"):
        registry.models.get("dynamic").load(tmp_path / "old")


@pytest.mark.parametrize("kind", MEMORIES)
def test_a_member_without_hidden_vectors_is_refused(training, ngram, kind):
    with pytest.raises(InputError, match="'ngram' model has no hidden vectors"):
        train(training, kind, {"member": "2-gram"}, **{"2-gram": ngram(2)})


@pytest.mark.parametrize("options", [NeuralCacheOptions, DynamicOptions, NeighbourOptions])
def test_a_memory_needs_a_member_and_takes_no_unknown_option(options):
    for wrong in ({}, {"member": "LSTM", "members": []}, {"member": 3}):
        with pytest.raises(ValidationError):
            options.model_validate(wrong)
    assert options(member="LSTM").named_members() == [("member", "LSTM")]
    assert options(member="LSTM", valid_tokens=7).summary() == "LSTM, valid_tokens 7"

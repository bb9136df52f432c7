import copy

import numpy as np
import pytest
import torch

from lmcompare.interface import LanguageModel
from lmcompare.laws import check
from lmcompare.models.neural import transformer
from lmcompare.models.neural.family import FEEDFORWARD, LSTM, TRANSFORMER
from lmcompare.models.neural.model import MANY_STEPS
from lmcompare.models.neural.quantised import FEW

NAMED = {"feedforward": FEEDFORWARD, "lstm": LSTM, "transformer": TRANSFORMER}
CHOICES = [
    {},
    {"positions": "alibi", "bias": True, "activation": "relu2", "attention_window": 3},
    {"positions": "learned", "norm_place": "post", "activation": "gelu-tanh", "bias": True},
    {"positions": "sinusoidal", "norm": "rms", "kv_heads": 1, "activation": "swiglu", "tied": False},
    {"qk_norm": True, "kv_heads": 2, "heads": 4, "memory": 3, "ngram_embeddings": [2]},
    {"norm": "rms", "norm_place": "post", "softmaxes": 2, "stride": 1},
]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_compiled_step_equals_the_network(small_model, documents, choice):
    plain, compiled = small_model("transformer", **choice), small_model("transformer", **choice)
    compiled.network.compile_steps()
    contexts = documents([3, 0, 11, 8])
    _, one = plain.read(contexts)
    _, other = compiled.read(contexts)
    random = np.random.default_rng(0)
    for _ in range(10):
        tokens = random.integers(1, 11, 4)
        expected, one = plain.step(tokens, one)
        found, other = compiled.step(tokens, other)
        assert found[:, 1:] == pytest.approx(expected[:, 1:], abs=1e-4)


def test_the_compiled_loops_are_what_steps(small_model, monkeypatch):
    model = small_model("transformer")
    model.network.compile_steps()
    _, state = model.start(2)
    monkeypatch.setattr(
        transformer.Block, "forward", lambda *given: pytest.fail("torch's blocks were called")
    )
    model.step(np.array([3, 4]), state)


def test_a_compiled_model_keeps_the_laws_and_its_scores(small_model, documents, toy_tokenizers, tmp_path):
    model, texts = small_model("transformer"), documents([20, 5])
    before = model.score(texts)
    model.save(tmp_path / "model")
    compiled = TRANSFORMER.load(tmp_path / "model", compiled=True)
    for one, other in zip(compiled.score(texts), before, strict=True):
        assert np.array_equal(one, other)
    assert [result for result in check(compiled, texts) if result.passed is False] == []
    stepped = LanguageModel.score(compiled, texts)
    assert stepped[0] == pytest.approx(before[0], abs=1e-4)


def test_weights_are_not_held_twice(small_model):
    model = small_model("transformer")
    model.network.compile_steps()
    weights = model.network.compiled.maps[0]
    assert np.shares_memory(weights[1], model.network.blocks[1].attention.qkv.weight.detach().numpy())
    torch.testing.assert_close(
        torch.from_numpy(weights[1]), model.network.blocks[1].attention.qkv.weight.data
    )


@pytest.mark.parametrize("kind", ["feedforward", "lstm", "transformer"])
def test_a_loaded_model_compiles_once_it_is_to_write_a_few_long_texts(
    small_model, toy_tokenizers, tmp_path, kind, monkeypatch
):
    small_model(kind).save(tmp_path / "model")
    model = NAMED[kind].load(tmp_path / "model")
    model.prepare_writing(FEW + 1, MANY_STEPS)
    model.prepare_writing(FEW, MANY_STEPS - 1)
    assert not model.embedding.compiled
    plain, _ = model.read([np.array([3, 4])])
    model.prepare_writing(FEW, MANY_STEPS)
    assert model.embedding.compiled
    found, _ = model.read([np.array([3, 4])])
    assert found[:, 1:] == pytest.approx(plain[:, 1:], abs=1e-5)
    never = NAMED[kind].load(tmp_path / "model", compiled=False)
    for left_alone in (never, small_model(kind)):
        left_alone.prepare_writing(1, MANY_STEPS)
        assert not left_alone.embedding.compiled


def test_a_compiled_model_follows_its_weights_when_it_is_trained_on(small_model, documents):
    model, plain = small_model("transformer", bias=True), small_model("transformer", bias=True)
    model.network.compile_steps()
    for trained in (model, plain):
        optimiser = torch.optim.SGD(trained.network.parameters(), lr=0.1)
        tokens = torch.from_numpy(np.stack(documents([8, 8])))
        network = trained.network
        hidden = network(network.embedding(tokens)).flatten(0, 1)
        network.embedding.loss(hidden, tokens.flatten()).backward()
        optimiser.step()
    (expected, one), (found, other) = plain.read([np.array([3, 4])]), model.read([np.array([3, 4])])
    assert found[:, 1:] == pytest.approx(expected[:, 1:], abs=1e-4)
    after, _ = model.step(np.array([5]), other)
    assert after[:, 1:] == pytest.approx(plain.step(np.array([5]), one)[0][:, 1:], abs=1e-4)


def test_a_copy_of_a_compiled_model_has_weights_of_its_own(small_model):
    model = small_model("transformer")
    model.network.compile_steps()
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in copied.network.blocks.parameters():
            parameter.zero_()
    expected = LanguageModel.score(small_model("transformer"), [np.array([3, 4, 1])])[0]
    assert LanguageModel.score(model, [np.array([3, 4, 1])])[0] == pytest.approx(expected, abs=1e-4)
    assert np.abs(LanguageModel.score(copied, [np.array([3, 4, 1])])[0] - expected).max() > 0.01

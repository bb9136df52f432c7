"""Networks on another device: here a feigned one (`elsewhere`), and a real one where there is a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import MODELS
from elsewhere import DEVICE, Elsewhere, elsewhere

from lmcompare.errors import InputError
from lmcompare.models.mixture.memory_options import DynamicOptions, NeighbourOptions, NeuralCacheOptions
from lmcompare.models.neural import device, dynamic, neighbour_model, neural_cache, training, utilisation
from lmcompare.models.neural.family import LSTM
from lmcompare.models.neural.placement import CPU

AWD = {
    "optimiser": "sgd",
    "lr": 1.0,
    "momentum": 0.5,
    "schedule": "constant",
    "hidden_width": 24,
    "dropout_input": 0.3,
    "weight_drop": 0.3,
    "ar": 1.0,
    "tar": 1.0,
    "norm": False,
    "embedding_dropout": 0.1,
    "averaging": 1,
    "evaluations": 6,
    "patience": 0,
    "sampled_softmax": 0,
}
PLAIN = {"sampled_softmax": 4, "dropout": 0.1, "precision": "float32", "steps": 6, "evaluations": 2}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "feed-forward, mixture of softmaxes": ("feedforward", {"softmaxes": 2}),
    "Elman, written out": ("rnn", {"kernel": "written", "tied": False}),
    "gated units, vectors of n-grams": ("gru", {"ngram_embeddings": [2, 3], "ngram_rows": 64}),
    "AWD-LSTM": ("lstm", AWD),
    "LSTM, sampled mixture, moving average": ("lstm", {"softmaxes": 2, "ema": 0.9, "accumulate": 2}),
    "transformer, window": ("transformer", {"ngram_embeddings": [2], "ngram_rows": 64}),
    "transformer, memory": ("transformer", {"memory": 8, "positions": "alibi", "kv_heads": 1}),
    "transformer, Muon": (
        "transformer",
        {
            "optimiser": "muon",
            "positions": "learned",
            "norm_place": "post",
            "qk_norm": True,
            "activation": "swiglu",
            "softmaxes": 2,
            "sampled_softmax": 0,
        },
    ),
}


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Networks are put on the feigned device."""
    monkeypatch.setattr(device, "here", lambda: DEVICE)
    monkeypatch.setattr(utilisation, "GPU_SIDE", 64)
    with elsewhere():
        yield


def on_processor(monkeypatch: pytest.MonkeyPatch, do: Any) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(device, "here", lambda: CPU)
        return do()


def answers(model: Any, texts: list[Any]) -> list[Any]:
    """Scores, vectors and next tokens by every way that there is to ask for them."""
    scores, vectors = model.score_with_vectors(texts)
    said, state = model.start(2)
    found = [*model.score(texts), *scores, *vectors, model.next_logprobs(texts), said]
    for token in range(2, 14):
        said, state = model.step(np.array([token % 9 + 2, 3]), state)
        state = state.rows(np.array([1, 0, 0][: 2 + token % 2])[:2])
        found.append(said)
    said, state = model.read([text[:5] for text in texts] + [texts[0]])
    return [*found, said, model.step(np.array([4] * (len(texts) + 1)), state)[0]]


@pytest.mark.parametrize("case", CASES)
def test_elsewhere_a_network_learns_and_answers_what_it_does_on_the_processor(
    case: str, away: None, job: Any, documents: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, options = CASES[case]
    texts, family = documents([90, 60, 70]), MODELS[kind]
    asked = job(kind, texts, texts[:1], tmp_path / "here", **(PLAIN | options))
    here = on_processor(monkeypatch, lambda: training.train(asked, family))
    there = training.train(replace(asked, folder=_new(tmp_path / "there")), family)
    assert here.device == CPU and there.device == DEVICE
    assert all(isinstance(each, Elsewhere) for each in there.network.parameters())
    assert there.facts["best_step"] == here.facts["best_step"]
    wanted, found = answers(here, documents([25, 9], seed=3)), answers(there, documents([25, 9], seed=3))
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(other, one, atol=2e-5)
    # What is saved are arrays: a network from elsewhere is read on the processor.
    there.save(tmp_path / "saved")


def test_elsewhere_bfloat16_multiplies_in_a_copy_that_is_there_too(
    away: None, job: Any, documents: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = documents([90, 60, 70])
    for kind in ("lstm", "transformer"):
        asked = job(kind, texts, texts[:1], tmp_path / kind, **(PLAIN | {"precision": "bfloat16"}))
        here = on_processor(monkeypatch, lambda one=asked, kind=kind: training.train(one, MODELS[kind]))
        there = training.train(replace(asked, folder=_new(tmp_path / f"{kind}-there")), MODELS[kind])
        assert there.facts["precision"] == "bfloat16" and there.device == DEVICE
        for one, other in zip(here.score(texts[:1]), there.score(texts[:1]), strict=True):
            assert np.abs(one - other).mean() < 0.05


def test_elsewhere_a_training_that_stops_goes_on_to_the_same_bits(
    away: None, job: Any, documents: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, settings = documents([90, 60, 70]), PLAIN | {"checkpoint_every": 3, "optimiser": "muon"}
    asked = job("transformer", texts, texts[:1], tmp_path / "whole", **(settings | {"memory": 4}))
    whole = training.train(asked, MODELS["transformer"])
    step = training.Trainer._step

    def stumbling(trainer: Any) -> float:
        if trainer.course.step == 4:
            raise KeyboardInterrupt
        return step(trainer)

    asked = replace(asked, folder=_new(tmp_path / "parts"))
    with monkeypatch.context() as patch:
        patch.setattr(training.Trainer, "_step", stumbling)
        with pytest.raises(KeyboardInterrupt):
            training.train(asked, MODELS["transformer"])
    parts = training.train(asked, MODELS["transformer"])
    for one, other in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        assert torch.equal(one.inner, other.inner)


@pytest.mark.parametrize("kind", ["lstm", "transformer", "feedforward"])
def test_elsewhere_memories_give_what_they_give_on_the_processor(
    kind: str, away: None, job: Any, documents: Any, small_model: Any, tmp_path: Path
) -> None:
    texts = documents([30, 20])
    found: list[list[Any]] = []
    for place in (CPU, DEVICE):
        member = small_model(kind)
        member.network.to(place)
        asked = job(kind, texts, texts[1:], tmp_path / str(place))
        memories = [
            dynamic.train(
                asked, DynamicOptions(member="x", segment=6, rate=1e-3, damping=1.0, decay=0.01), member
            ),
            neural_cache.train(asked, NeuralCacheOptions(member="x", theta=0.5, weight=0.2), member),
            neighbour_model.train(
                asked, NeighbourOptions(member="x", k=4, temperature=1.0, weight=0.2), member
            ),
        ]
        answered = []
        for model in memories:
            answered += [*model.score(texts), model.next_logprobs([text[:9] for text in texts])]
            said, state = model.start(2)
            for token in range(2, 10):
                said, state = model.step(np.array([token, 4]), state)
                state = state.rows(np.array([1, 0]))
            answered.append(said)
        memories[0].save(tmp_path / f"dynamic-{place}")
        found.append(answered)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)


def test_elsewhere_a_recurrent_layer_keeps_what_a_gradient_needs_though_nothing_is_dropped(
    away: None, small_model: Any
) -> None:
    """cuDNN has no way back through a layer that was not said to train; dynamic evaluation asks for one."""
    network, told = small_model("lstm").network.to(DEVICE), []
    kernel = network.cell.kernel

    def listening(*given: Any) -> Any:
        told.append(given[6])
        return kernel(*given)

    network.cell = replace(network.cell, kernel=listening)
    vectors = torch.ones(1, 3, 16, device=DEVICE)
    network(vectors, network.fresh(1, DEVICE))
    with torch.no_grad():
        network(vectors, network.fresh(1, DEVICE))
    assert told == [True, True, False, False]


def test_elsewhere_networks_can_be_looked_into(away: None, documents: Any, small_model: Any) -> None:
    seen: list[list[Any]] = []
    for place in (CPU, DEVICE):
        recurrent, transformer = small_model("lstm"), small_model("transformer")
        for model in (recurrent, transformer):
            model.network.to(place)
        (first, *_) = recurrent.activity(documents([20]))
        neighbours = [cosine for _, cosine in recurrent.neighbours(3, 4)]
        attention = transformer.attention(documents([7])[0])
        seen.append([first.saturated, first.gates[0].open, neighbours, attention])
    for one, other in zip(*seen, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)


def test_what_stands_at_two_places_is_not_added_up(away: None) -> None:
    """The referee of the tests above: without this they would pass whatever is where."""
    there, here = torch.ones(3, device=DEVICE), torch.ones(3)
    with pytest.raises(RuntimeError, match="same device"):
        there + here
    with pytest.raises((RuntimeError, TypeError)):
        there.numpy()
    assert (there + torch.tensor(1.0)).cpu().tolist() == [2, 2, 2]


def test_without_a_gpu_auto_is_the_processor_and_cuda_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, job: Any, documents: Any
) -> None:
    monkeypatch.setattr(device, "_torch_sees_one", lambda: False)
    assert device.resolve("auto") == device.resolve("cpu") == "cpu" and device.gpu("cpu") is None
    with pytest.raises(InputError, match="needs a GPU, and torch sees none") as told:
        device.resolve("cuda", "here")
    assert str(told.value).startswith("here: ") and "device=cpu" in str(told.value)
    asked = job("lstm", documents([40]), [])
    with pytest.raises(InputError, match="needs a GPU"):
        LSTM.train(replace(asked, device="cuda"))
    assert not list(asked.folder.iterdir())


def test_where_torch_sees_a_gpu_auto_takes_it_and_products_may_be_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "_torch_sees_one", lambda: True)
    monkeypatch.setattr(device, "_has_driver", lambda: True)
    monkeypatch.delenv(device.WORKSPACE, raising=False)
    assert device.resolve("auto") == device.resolve("cuda") == "cuda" and device.resolve("cpu") == "cpu"
    assert device.os.environ[device.WORKSPACE] == ":4096:8"
    before = torch.backends.cudnn.rnn.fp32_precision
    with device.on("cuda"):
        assert device.here().type == "cuda" and torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cuda.matmul.fp32_precision == torch.backends.cudnn.rnn.fp32_precision == "ieee"
    assert device.here() == CPU and not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.rnn.fp32_precision == before


def test_a_training_on_another_device_is_not_gone_on_with(
    job: Any, documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = documents([90])
    asked = job("lstm", texts, texts, **PLAIN)
    with monkeypatch.context() as patch:
        patch.setattr(device, "gpu", lambda name: "NVIDIA H100")
        assert training.train(asked, MODELS["lstm"]).facts["device"] == "NVIDIA H100"
    with pytest.raises(InputError, match="another device"):
        training.train(asked, MODELS["lstm"])


def test_a_full_gpu_is_told_in_one_sentence(
    small_model: Any, documents: Any, job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch's own words for it are "CUDA out of memory"; in a training the sentence has a batch size."""

    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    texts = documents([40])
    with monkeypatch.context() as patch:
        patch.setattr("lmcompare.models.neural.embedding.Embedding.target_logprobs", full)
        with pytest.raises(InputError, match=r"memory of the GPU ran out.*device = cpu"):
            small_model("lstm").score(texts)
    monkeypatch.setattr("lmcompare.models.neural.embedding.Embedding.loss", full)
    monkeypatch.setattr("lmcompare.models.neural.sampling.NegativeSampler.loss", full)
    with pytest.raises(InputError, match=r"at step 1 with batch = 4.*Set batch = 2 and accumulate = 2"):
        training.train(job("lstm", texts, texts, steps=2), MODELS["lstm"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
@pytest.mark.parametrize("case", CASES)
def test_on_a_gpu_a_network_learns_and_answers_what_it_does_on_the_processor(
    case: str, job: Any, documents: Any, tmp_path: Path
) -> None:
    kind, options = CASES[case]
    # Random masks are drawn by the device's own generator, so none are asked for.
    none = dict.fromkeys(("dropout", "dropout_input", "embedding_dropout", "weight_drop"), 0.0)
    settings = PLAIN | options
    settings |= {name: 0.0 for name in none if name in settings}
    texts, family = documents([90, 60, 70]), MODELS[kind]
    asked = job(kind, texts, texts[:1], tmp_path / "here", **settings)
    here = training.train(asked, family)
    twice = [
        training.train(replace(asked, folder=_new(tmp_path / name), device="cuda"), family) for name in "ab"
    ]
    assert twice[0].device.type == "cuda"
    same = zip(*(each.network.parameters() for each in twice), strict=True)
    assert all(torch.equal(one, other) for one, other in same)
    wanted, found = answers(here, documents([25, 9], seed=3)), answers(twice[0], documents([25, 9], seed=3))
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder

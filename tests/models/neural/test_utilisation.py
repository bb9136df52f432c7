import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import MODELS
from torch.utils.flop_counter import FlopCounterMode

from lmcompare.models.neural import utilisation
from lmcompare.models.neural.batches import Streams
from lmcompare.models.neural.learner import Learner
from lmcompare.models.neural.placement import CPU
from lmcompare.models.neural.training import Trainer, train

LENGTH, SIZE = 32, 200


def counted(model: Any, text: Any) -> tuple[float, int]:
    """Operations of one step, by torch's own count of them, and its tokens."""
    settings = {"bos": 0, "eos": 1, "restart": 0.0, "seed": 1, "lookback": model.network.lookback}
    streams = Streams([text], batch=4, length=LENGTH, **settings)
    learner = Learner(model.network, streams, model.options, 1, bfloat16=False)
    with FlopCounterMode(display=False) as counter:
        learnt = learner.learn(1, 1.0)
    return float(counter.get_total_flops()), learnt.events


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("feedforward", {}),
        ("feedforward", {"softmaxes": 2}),
        ("lstm", {"kernel": "written"}),
        ("gru", {"kernel": "written", "tied": False}),
        ("transformer", {}),
        ("transformer", {"kv_heads": 1, "activation": "swiglu"}),
        ("transformer", {"memory": 0, "softmaxes": 3}),
    ],
)
def test_the_operations_of_a_step_are_those_that_torch_counts(
    kind: str, options: dict[str, Any], small_model: Any, documents: Any
) -> None:
    shape = {"length": LENGTH, **({"window": LENGTH} if kind == "transformer" else {})}
    model = small_model(kind, SIZE, sampled_softmax=0, **shape, **options)
    (text,) = documents([4 * 5 * LENGTH], SIZE)
    found, tokens = counted(model, text)
    expected = model.training_flops()
    if kind == "transformer":
        # The product of all places with all is made; what is hidden in it is no work of the model.
        hidden = LENGTH - (LENGTH - 1) / 2
        expected += 3 * 4 * model.options.layers * model.options.width * hidden
    assert found / tokens == pytest.approx(expected, rel=0.02)


def test_of_a_sampled_softmax_the_columns_that_are_drawn_count(small_model: Any) -> None:
    whole = small_model("lstm", SIZE, sampled_softmax=0).training_flops()
    some = small_model("lstm", SIZE, sampled_softmax=49).training_flops()
    assert whole - some == 3 * 2 * 16 * (SIZE - 50)
    assert small_model("lstm", SIZE, sampled_softmax=5 * SIZE).training_flops() == whole


def test_every_training_says_how_fast_it_was_and_changes_no_bit_for_it(
    job: Any, documents: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = documents([90, 60])
    asked = [job("lstm", texts, texts[:1], tmp_path / name, steps=10, dropout=0.1) for name in "ab"]
    model = train(asked[0], MODELS["lstm"])
    facts, told = model.facts["training_speed"], model.training_speed()
    assert told is not None and told.tokens_per_second > 0 and told.device == ""
    assert facts["flops_per_token"] == told.flops_per_token == model.training_flops()
    product = utilisation.peak(CPU, model.facts["precision"] == "bfloat16", 1)
    assert product == pytest.approx(told.product_flops_per_second, rel=1e-3)
    made = told.tokens_per_second * told.flops_per_token
    assert told.utilisation == pytest.approx(made / product, rel=1e-3) and 0 < told.utilisation < 1
    # What is measured has one width, so that a folder's size is told by what is trained.
    assert {len(facts[key]) for key in ("tokens_per_second", "product_flops_per_second", "utilisation")} == {
        10
    }
    random = torch.get_rng_state()
    utilisation.peak.__wrapped__(CPU, False, 1)
    assert torch.equal(random, torch.get_rng_state())
    monkeypatch.setattr("lmcompare.models.neural.training.training_speed", lambda *_: None)
    other = train(asked[1], MODELS["lstm"])
    for one, two in zip(model.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(one, two)
    assert other.training_speed() is None
    model.save(tmp_path / "saved")
    assert (
        json.loads((tmp_path / "saved" / "model.json").read_text())["config"]["facts"]["training_speed"]
        == facts
    )


def test_only_steps_are_timed_also_those_before_a_stop(
    job: Any, documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, clock = documents([90, 60]), [0.0]
    step = Learner.learn

    def learn(learner: Any, *words: Any) -> Any:
        clock[0] += 2.0
        return step(learner, *words)

    def validate(trainer: Any) -> tuple[float, float]:
        clock[0] += 50.0
        return -float(trainer.course.step), 1.0

    monkeypatch.setattr("lmcompare.models.neural.training.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(Learner, "learn", learn)
    monkeypatch.setattr(Trainer, "_scores", validate)
    monkeypatch.setattr("lmcompare.models.neural.utilisation.peak", lambda *_: 1e9)
    asked = job("lstm", texts, texts[:1], steps=8, evaluations=4, checkpoint_every=1, threads=1)
    ended = Trainer._checkpoint_is_due

    def stop(trainer: Any, seconds: float) -> bool:
        if trainer.course.step == 5:
            raise KeyboardInterrupt
        return ended(trainer, seconds)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_checkpoint_is_due", stop)
        with pytest.raises(KeyboardInterrupt):
            train(asked, MODELS["lstm"])
    speed = train(asked, MODELS["lstm"]).facts["training_speed"]
    streams = Streams(texts, bos=0, eos=1, batch=4, length=8, restart=asked.options.restart, seed=1)
    tokens = sum(np.count_nonzero(streams.chunk(number).targets) for number in range(8))
    assert float(speed["tokens_per_second"]) == pytest.approx(tokens / 16.0, rel=1e-4)


def test_where_memory_is_too_small_for_the_product_the_speed_is_told_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(torch, "mm", full)
    assert utilisation.peak.__wrapped__(CPU, False, 1) is None
    monkeypatch.setattr(utilisation, "peak", lambda *_: None)
    assert utilisation.training_speed(5.0, 100, 4.0, CPU, False, 1) == {
        "tokens_per_second": "2.5000e+01",
        "flops_per_token": 5.0,
    }

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lmcompare.models.neural import averaging, training
from lmcompare.models.neural.averaging import Average
from lmcompare.models.neural.checkpoint import Checkpoints
from lmcompare.models.neural.family import FEEDFORWARD, GRU, LSTM, RNN, TRANSFORMER
from lmcompare.models.neural.training import Trainer

FAMILIES = {family.name: family for family in (FEEDFORWARD, RNN, GRU, LSTM, TRANSFORMER)}
KINDS = ("lstm", "transformer")
EVERYTHING = {
    "feedforward": {"tied": False, "embedding_dropout": 0.1, "softmaxes": 2},
    "lstm": {
        "tied": False,
        "embedding_dropout": 0.1,
        "softmaxes": 2,
        "hidden_width": 12,
        "weight_drop": 0.4,
        "ar": 1.0,
        "tar": 1.0,
        "ngram_embeddings": [2, 3],
        "ngram_rows": 50,
    },
    "transformer": {
        "memory": 5,
        "embedding_dropout": 0.1,
        "softmaxes": 2,
        "ngram_embeddings": [2, 3],
        "ngram_rows": 50,
        "qk_norm": True,
        "kv_heads": 1,
    },
}


def weights(model):
    return {name: tensor.numpy() for name, tensor in model.network.state_dict().items()}


def same_bits(one, other):
    return all(np.array_equal(array, weights(other)[name]) for name, array in weights(one).items())


def curve(folder):
    """The learning curve without its times."""
    points = [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]
    return [{name: value for name, value in point.items() if name != "seconds"} for point in points]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampled", [0, 6])
def test_the_same_seed_trains_the_same_bits_and_another_seed_others(job, documents, tmp_path, kind, sampled):
    texts = documents([60, 40, 50])
    settings = {"epochs": 2, "dropout": 0.3, "sampled_softmax": sampled}
    models = [
        FAMILIES[kind].train(job(kind, texts, texts[:1], tmp_path / name, seed, **settings))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert same_bits(models[0], models[1]) and not same_bits(models[0], models[2])


@pytest.mark.parametrize("kind", FAMILIES)
def test_one_batch_is_learnt_by_heart(job, documents, kind):
    texts = documents([25])
    settings = {"batch": 1, "length": 30, "dropout": 0, "restart": 0, "weight_decay": 0, "patience": 0}
    settings |= {"lr": 0.02, "embedding_lr": 0.02, "precision": "float32"}
    settings |= {"transformer": {"window": 30}, "feedforward": {"order": 8}}.get(kind, {})
    model = FAMILIES[kind].train(job(kind, texts, texts, steps=150, evaluations=1, **settings))
    assert -np.mean(model.score(texts)[0]) < 0.01


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_that_stops_anywhere_goes_on_to_the_same_bits(
    job, documents, tmp_path, kind, precision, monkeypatch
):
    texts = documents([60, 40, 50])
    settings = {"steps": 21, "evaluations": 5, "dropout": 0.2, "precision": precision, "patience": 0}
    whole = FAMILIES[kind].train(
        job(kind, texts, texts[:1], tmp_path / "whole", checkpoint_every=100, **settings)
    )
    settings["checkpoint_every"] = 100
    family, step = FAMILIES[kind], Trainer._step

    def stumbling(trainer):
        if trainer.course.step in stops:
            stops.remove(trainer.course.step)
            raise KeyboardInterrupt
        return step(trainer)

    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(Trainer, "_step", stumbling)
    stops = {1, 4, 5, 12, 20}
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            family.train(job(kind, texts, texts[:1], tmp_path / "parts", **settings))
    parts = family.train(job(kind, texts, texts[:1], tmp_path / "parts", **settings))
    assert not stops and same_bits(whole, parts)
    assert curve(tmp_path / "whole") == curve(tmp_path / "parts")
    # A finished training is not done again.
    assert same_bits(whole, family.train(job(kind, texts, texts[:1], tmp_path / "parts", **settings)))


@pytest.mark.parametrize("kind", EVERYTHING)
@pytest.mark.parametrize("sampled", [0, 6])
def test_with_every_option_on_a_training_that_stops_goes_on_to_the_same_bits(
    job, documents, tmp_path, kind, sampled, monkeypatch
):
    texts, settings = documents([60, 40, 50]), {"steps": 9, "evaluations": 2, "patience": 0, "dropout": 0.2}
    settings |= EVERYTHING[kind] | {"sampled_softmax": sampled}
    family, step, stops = FAMILIES[kind], Trainer._step, {2, 5}
    whole = family.train(job(kind, texts, texts[:1], tmp_path / "whole", **settings))

    def stumbling(trainer):
        if trainer.course.step in stops:
            stops.remove(trainer.course.step)
            raise KeyboardInterrupt
        return step(trainer)

    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(Trainer, "_step", stumbling)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            family.train(job(kind, texts, texts[:1], tmp_path / "parts", **settings))
    parts = family.train(job(kind, texts, texts[:1], tmp_path / "parts", **settings))
    assert not stops and same_bits(whole, parts)


WAYS = {
    "descent, averaged in the end": {"optimiser": "sgd", "averaging": 1},
    "descent with momentum": {
        "optimiser": "sgd",
        "momentum": 0.9,
        "lr": 0.05,
        "schedule": "trapezoid",
        "clip": 0.0,
    },
    "muon": {"optimiser": "muon", "schedule": "linear", "lr": 0.02},
    "moving average": {"ema": 0.8, "schedule": "constant"},
    "accumulated": {"batch": 2, "accumulate": 2},
    "all": {"optimiser": "muon", "ema": 0.8, "batch": 2, "accumulate": 2, "statistics": True},
}


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
@pytest.mark.parametrize("way", WAYS)
def test_whatever_moves_the_weights_a_training_that_stops_goes_on_to_the_same_bits(
    job, documents, tmp_path, kind, way, monkeypatch
):
    texts = documents([60, 40, 50])
    settings = {"steps": 19, "evaluations": 6, "patience": 0, "dropout": 0.2, "sampled_softmax": 6} | WAYS[
        way
    ]
    settings |= {"memory": 5} if kind == "transformer" else {}
    monkeypatch.setattr(averaging, "EVERY", 1)
    if "averaging" in settings:  # scores that rise from the third validation on
        monkeypatch.setattr(Trainer, "_scores", lambda trainer: (abs(trainer.course.step - 7.0), 1.0))
    family, step, stops = FAMILIES[kind], Trainer._step, {1, 8, 11, 17}
    whole = family.train(job(kind, texts, texts[:1], tmp_path / "whole", checkpoint_every=100, **settings))

    def stumbling(trainer):
        if trainer.course.step in stops:
            stops.remove(trainer.course.step)
            raise KeyboardInterrupt
        return step(trainer)

    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(Trainer, "_step", stumbling)
    settings["checkpoint_every"] = 100
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            family.train(job(kind, texts, texts[:1], tmp_path / "parts", **settings))
    parts = family.train(job(kind, texts, texts[:1], tmp_path / "parts", **settings))
    assert not stops and same_bits(whole, parts)
    assert curve(tmp_path / "whole") == curve(tmp_path / "parts")
    if "averaging" in settings:
        _, state = Checkpoints(tmp_path / "parts", {}).latest()
        assert state["averaging"]


def test_weights_are_averaged_once_validation_is_worse_than_the_best_but_the_last_few(
    job, documents, monkeypatch
):
    """Merity et al. (2018), algorithm 1, with n = 2: the scores are told, the trigger is watched."""
    told = iter([5.0, 4.0, 4.5, 4.2, 4.1, 4.05, 3.9])
    seen = []

    def scores(trainer):
        seen.append(trainer.learner.averaging)
        return next(told), 1.0

    monkeypatch.setattr(Trainer, "_scores", scores)
    texts = documents([60])
    settings = {"steps": 7, "evaluations": 7, "patience": 0, "averaging": 2, "optimiser": "sgd", "lr": 1.0}
    LSTM.train(job("lstm", texts, texts, **settings))
    # The fifth, 4.1, is worse than the best of the first two, 4.0.
    assert seen == [False] * 5 + [True] * 2


def test_an_average_is_what_is_validated_and_kept(job, documents, tmp_path, monkeypatch):
    monkeypatch.setattr(averaging, "EVERY", 1)
    texts, means = documents([60]), []
    look = Average.look

    def keeping(average, step):
        look(average, step)
        means.append(average.weights["embedding.weight"].clone().numpy())

    monkeypatch.setattr(Average, "look", keeping)
    settings = {"steps": 10, "evaluations": 1, "dropout": 0, "precision": "float32"}
    plain = LSTM.train(job("lstm", texts, texts, tmp_path / "plain", **settings))
    averaged = LSTM.train(job("lstm", texts, texts, tmp_path / "averaged", ema=0.99, **settings))
    assert np.array_equal(weights(averaged)["embedding.weight"], means[-1])
    assert not same_bits(plain, averaged)


def test_a_budget_of_seconds_is_kept_and_a_training_that_was_killed_spends_what_is_left(job, documents):
    texts = documents([60, 40, 50])
    work = job("lstm", texts, texts[:1], budget="1.5s", evaluations=3, patience=0, checkpoint_every=20)
    step, begin = Trainer._step, time.monotonic()

    def stumbling(trainer):
        if trainer.course.seconds > 0.7:
            raise KeyboardInterrupt
        return step(trainer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_step", stumbling)
        with pytest.raises(KeyboardInterrupt):
            LSTM.train(work)
    model = LSTM.train(work)
    points = [json.loads(line) for line in (work.folder / "curve.jsonl").read_text().splitlines()]
    assert [point["seconds"] for point in points] == pytest.approx([0.5, 1.0, 1.5], abs=0.25)
    assert time.monotonic() - begin < 4
    assert model.facts["steps"] > 20 and model.facts["best_step"] <= model.facts["steps"]
    best = min(point["valid_bits_per_token"] for point in points)
    assert -model.score(texts[:1])[0].mean() / np.log(2) == pytest.approx(best, abs=1e-6)


SCRIPT = """
    import sys
    from pathlib import Path
    from types import SimpleNamespace
    import numpy as np
    from lmcompare.models.neural.family import LSTM
    from lmcompare.models.neural.options import LstmOptions
    from lmcompare.registry import Training
    tokenizer = SimpleNamespace(kind="toy", size=11, bos=0, eos=1, unk=None, lossy="", fingerprint="toy")
    random = np.random.default_rng(3)
    texts = [np.append(random.integers(2, 11, 80), 1) for _ in range(4)]
    often = {"evaluations": 20, "checkpoint_every": 7}
    options = LstmOptions(width=16, batch=4, length=8, steps=600, patience=0, **often)
    model = LSTM.train(Training(options, tokenizer, texts, texts[:1], 5, Path(sys.argv[1])))
    state = model.network.state_dict()
    print(b"".join(state[name].numpy().tobytes() for name in sorted(state)).hex())
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_in_the_same_weights_and_curve(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, str(script)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    run = {"env": environment, "capture_output": True, "text": True}
    whole = subprocess.run([*command, str(tmp_path / "whole")], check=True, **run).stdout
    kills = 0
    for delay in (0.05, 0.4, 0.15, 0.75):
        process = subprocess.Popen(
            [*command, str(tmp_path / "killed")], env=environment, stdout=subprocess.DEVNULL
        )
        before = len(list((tmp_path / "killed").iterdir()))
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if before or list((tmp_path / "killed").iterdir()):
                break
            time.sleep(0.01)
        time.sleep(delay + (2.0 if before else 0.0))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    again = subprocess.run([*command, str(tmp_path / "killed")], check=True, **run).stdout
    assert kills and again == whole
    assert curve(tmp_path / "whole") == curve(tmp_path / "killed")


def test_it_stops_early_and_keeps_the_best_weights(job, documents):
    texts, other = documents([60], seed=1), documents([60], seed=2)
    said = []
    settings = {"epochs": 200, "evaluations": 50, "patience": 2, "lr": 0.02, "dropout": 0, "restart": 0}
    work = job("lstm", texts, other, batch=1, **settings)
    object.__setattr__(work, "progress", said.append)
    model = LSTM.train(work)
    points = curve(work.folder)
    best = min(point["valid_bits_per_token"] for point in points)
    assert len(points) < 50 and points[-3]["valid_bits_per_token"] == best
    assert -model.score(other)[0].mean() / np.log(2) == pytest.approx(best, abs=1e-6)
    assert said[-1].done == said[-1].total and said[-1].stage == "train lstm"


def test_random_numbers_and_threads_of_the_caller_are_left_alone(job, documents):
    texts = documents([30])
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    LSTM.train(job("lstm", texts, texts, steps=3))
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == threads


def test_without_validation_text_the_training_loss_chooses(job, documents):
    model = TRANSFORMER.train(job("transformer", documents([40]), [], steps=6, evaluations=3))
    assert model.facts["best_step"] in (2, 4, 6)


@pytest.mark.parametrize(("saving", "seconds", "due"), [(0.1, 21, True), (9, 21, False), (9, 91, True)])
def test_the_slower_a_checkpoint_is_written_the_rarer_they_are(saving, seconds, due):
    course = SimpleNamespace(step=1)
    options = SimpleNamespace(checkpoint_every=1000)
    trainer = SimpleNamespace(course=course, options=options, saving=saving)
    assert Trainer._checkpoint_is_due(trainer, seconds) == due
    course.step = 1000
    assert Trainer._checkpoint_is_due(trainer, 0)

import json

import numpy as np
import pytest

from lmcompare.models.neural.family import LSTM, TRANSFORMER
from lmcompare.models.neural.training import Trainer

FAMILIES = {"lstm": LSTM, "transformer": TRANSFORMER}


def lines(folder):
    return [json.loads(line) for line in (folder / "statistics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("sampled", [0, 5])
def test_each_validation_adds_a_line_and_the_training_stays_the_same(
    job, documents, tmp_path, kind, precision, sampled
):
    texts = documents([60, 40])
    settings = {"steps": 12, "evaluations": 3, "patience": 0, "precision": precision, "ema": 0.9}
    settings |= {"sampled_softmax": sampled, "optimiser": "muon"}
    plain = FAMILIES[kind].train(job(kind, texts, texts[:1], tmp_path / "plain", **settings))
    watched = FAMILIES[kind].train(
        job(kind, texts, texts[:1], tmp_path / "watched", statistics=True, **settings)
    )
    one, other = (model.network.state_dict() for model in (plain, watched))
    assert all(np.array_equal(one[name].numpy(), other[name].numpy()) for name in one)
    assert not (tmp_path / "plain" / "statistics.jsonl").exists()
    found = lines(tmp_path / "watched")
    assert [line["step"] for line in found] == [4, 8, 12]
    names = set(dict(watched.network.named_parameters()))
    for line in found:
        assert set(line["gradient"]) == names and set(line["update"]) <= names
        assert all(0 < value < 1 for value in line["update"].values())
        assert line["activation"]["norm"] == pytest.approx(1.0, abs=0.2)  # what a norm puts out
        assert ("carried" in line) == (kind == "lstm")


def test_the_norms_are_those_after_clipping(job, documents):
    texts = documents([60, 40])
    work = job(
        "lstm", texts, texts[:1], steps=4, evaluations=1, statistics=True, clip=0.01, precision="float32"
    )
    LSTM.train(work)
    norms = np.array(list(lines(work.folder)[0]["gradient"].values()))
    assert np.sqrt((norms**2).sum()) == pytest.approx(0.01, rel=1e-3)


def test_after_a_kill_no_line_stands_twice(job, documents, monkeypatch):
    texts = documents([60, 40])
    work = job(
        "lstm", texts, texts[:1], steps=9, evaluations=3, patience=0, statistics=True, checkpoint_every=4
    )
    step = Trainer._step

    def stumbling(trainer):
        if trainer.course.step == 7 and not stumbled:
            stumbled.append(True)
            raise KeyboardInterrupt
        return step(trainer)

    stumbled = []
    monkeypatch.setattr(Trainer, "_step", stumbling)
    with pytest.raises(KeyboardInterrupt):
        LSTM.train(work)
    assert [line["step"] for line in lines(work.folder)] == [3, 6]
    LSTM.train(work)
    assert [line["step"] for line in lines(work.folder)] == [3, 6, 9]

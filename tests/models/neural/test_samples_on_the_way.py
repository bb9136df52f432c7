"""Texts that a model writes while it learns: when, what is kept, and that nothing depends on them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_training import FAMILIES, curve, same_bits

from lmcompare.generation.loop import generate
from lmcompare.generation.rules import temperature
from lmcompare.models.neural import training
from lmcompare.models.neural.training import Trainer


def write(model):
    """As `generation.short_text`, for a tokenizer without text."""
    assert not model.network.training
    ids = generate_ids(model)
    return " ".join(map(str, ids))


def generate_ids(model):
    tokenizer = model.tokenizer
    tokenizer.decode = lambda ids: " ".join(map(str, ids))
    return generate(model, [np.zeros(0, dtype=int)], temperature(0.8), max_tokens=12)[0].ids


@pytest.mark.parametrize("kind", ["lstm", "transformer", "feedforward"])
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_training_gives_the_same_bits_with_samples_and_without(job, documents, tmp_path, kind, ema):
    texts = documents([80, 60, 70])
    settings = {"steps": 14, "dropout": 0.2, "ema": ema, "evaluations": 3}
    plain = job(kind, texts, texts[:1], tmp_path / "a", **settings)
    sampled = job(kind, texts, texts[:1], tmp_path / "b", sample_every=2, **settings)
    models = [FAMILIES[kind].train(plain), FAMILIES[kind].train(replace(sampled, write=write))]
    assert same_bits(*models)
    assert curve(plain.folder) == curve(sampled.folder)
    assert models[0].facts["samples"] == []
    assert [each["step"] for each in models[1].facts["samples"]] == [2, 4, 6, 8, 10, 12, 14]
    assert len({each["text"] for each in models[1].facts["samples"]}) > 1


def test_by_default_a_text_is_written_at_each_validation_and_none_where_0_is_set(job, documents, tmp_path):
    texts = documents([80, 60])
    settings = {"steps": 12, "evaluations": 3}
    for name, chosen, steps in (("a", {}, [4, 8, 12]), ("b", {"sample_every": 0}, [])):
        work = replace(job("gru", texts, texts[:1], tmp_path / name, **settings, **chosen), write=write)
        assert [each["step"] for each in FAMILIES["gru"].train(work).facts["samples"]] == steps


def test_a_text_is_what_the_weights_of_its_step_write(job, documents, tmp_path):
    texts = documents([80, 60])
    settings = {"sample_every": 5, "evaluations": 1, "schedule": "constant"}
    long = replace(job("lstm", texts, texts[:1], tmp_path / "a", steps=10, **settings), write=write)
    short = job("lstm", texts, texts[:1], tmp_path / "b", steps=5, **(settings | {"warmup": 0.1}))
    long = replace(long, options=long.options.model_copy(update={"warmup": 0.05}))
    first = FAMILIES["lstm"].train(long).facts["samples"][0]
    model = FAMILIES["lstm"].train(short)
    assert first["text"] == write(model) and first["step"] == 5


def test_a_resumed_training_has_the_same_texts(job, documents, tmp_path, monkeypatch):
    texts = documents([80, 60])
    settings = {"steps": 12, "sample_every": 3, "checkpoint_every": 4}
    whole = replace(job("lstm", texts, texts[:1], tmp_path / "a", **settings), write=write)
    killed = replace(job("lstm", texts, texts[:1], tmp_path / "b", **settings), write=write)
    expected = FAMILIES["lstm"].train(whole)
    step = Trainer._step

    def dying(self):
        if self.course.step == 7:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(Trainer, "_step", dying)
    with pytest.raises(KeyboardInterrupt):
        FAMILIES["lstm"].train(killed)
    monkeypatch.setattr(Trainer, "_step", step)
    again = FAMILIES["lstm"].train(killed)
    assert again.facts["samples"] == expected.facts["samples"] and same_bits(again, expected)


def test_of_many_texts_each_second_one_goes(job, documents, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAMPLES_KEPT", 4)
    texts = documents([80, 60])
    work = replace(job("rnn", texts, texts[:1], tmp_path / "a", steps=12, sample_every=1), write=write)
    steps = [each["step"] for each in FAMILIES["rnn"].train(work).facts["samples"]]
    assert steps[-1] == 12 and steps == sorted(steps) and 2 <= len(steps) <= 4


def test_what_is_told_on_the_way_is_the_loss_the_speed_and_the_newest_text(
    job, documents, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_NOTES", 0.0)
    seen = []
    texts = documents([80, 60])
    work = job("lstm", texts, texts[:1], tmp_path / "a", steps=9, sample_every=4, evaluations=2)
    FAMILIES["lstm"].train(replace(work, write=write, progress=seen.append))
    learning = [each.learning for each in seen if each.learning is not None]
    assert len(learning) == 10 and all(each.tokens_per_second > 0 for each in learning)
    assert all(0 < each.bits < 10 for each in learning)
    assert [bool(each.sample) for each in learning] == [False] * 3 + [True] * 7
    assert learning[0].valid_bits is None and learning[-1].valid_bits == pytest.approx(
        curve(work.folder)[-1]["valid_bits_per_token"]
    )


def test_writing_spends_no_random_number_of_torch(small_model):
    model = small_model("transformer")
    before = torch.get_rng_state()
    generate_ids(model)
    assert torch.equal(torch.get_rng_state(), before)

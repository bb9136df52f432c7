import re

import pytest
import torch

from lmcompare.errors import InputError
from lmcompare.models.neural import learner
from lmcompare.models.neural.family import LSTM, TRANSFORMER
from lmcompare.models.neural.faults import explain_out_of_memory, not_finite
from lmcompare.models.neural.learner import Learner, NotFiniteError
from lmcompare.models.neural.options import LstmOptions
from lmcompare.models.neural.recurrent_model import LstmModel

WILD = {"steps": 40, "lr": 1e30, "clip": 0, "warmup": 0, "checkpoint_every": 1, "patience": 0}


def refused(work, family=LSTM):
    with pytest.raises(InputError) as caught:
        family.train(work)
    return str(caught.value)


def test_a_loss_that_is_not_a_number_stops_and_names_step_and_checkpoint(job, documents):
    texts = documents([60, 40])
    said = refused(job("lstm", texts, texts, **WILD, precision="float32"))
    step = int(re.search(r"the (?:loss|gradient) became (?:nan|inf) at step (\d+);", said)[1])
    assert "no checkpoint was validated before" in said
    assert (
        f"run again unchanged, the training goes on from checkpoint-{step - 1} and meets the same step"
        in said
    )
    assert "lower lr (now 1e+30)" in said.replace("Lower", "lower")


def test_the_last_good_checkpoint_is_one_that_was_validated_and_a_rerun_meets_the_same_step(
    job, documents, monkeypatch
):
    learn = Learner.learn

    def ill(self, step, *more):
        if step == 8:
            raise NotFiniteError(float("nan"), "loss", False)
        return learn(self, step, *more)

    monkeypatch.setattr(Learner, "learn", ill)
    texts = documents([60, 40])
    work = job("lstm", texts, texts, steps=12, evaluations=4, checkpoint_every=1, patience=0)
    said = refused(work)
    assert "at step 9; the last good checkpoint is best-6, the best that was validated; run again" in said
    assert (work.folder / "best-6").is_dir() and "goes on from checkpoint-8 and" in said
    assert refused(work) == said


def test_before_the_first_checkpoint_none_is_named(job, documents):
    texts = documents([60, 40])
    said = refused(job("lstm", texts, texts, **(WILD | {"checkpoint_every": 100}), precision="float32"))
    assert "no checkpoint was taken before" in said


def test_what_only_bfloat16_cannot_hold_is_told_apart(job, documents, monkeypatch):
    class Overflowing(learner.WorkingCopy):
        def fetch(self):
            network = super().fetch()
            with torch.no_grad():
                next(network.parameters()).mul_(torch.inf)
            return network

    monkeypatch.setattr(learner, "WorkingCopy", Overflowing)
    texts = documents([60, 40])
    said = refused(job("transformer", texts, texts, steps=5, precision="bfloat16"), TRANSFORMER)
    assert "in float32 the same step is a number. Set precision" in said


@pytest.mark.parametrize(
    ("losses", "clip", "said"),
    [
        ([3.0, 2.0, 4.0], 1.0, "the loss had risen from 2 to 4 nats: lr is too high. Lower lr (now 0.004)"),
        ([3.0, 2.0], 0.0, "one step was far too large. Set clip (now 0, which never clips), or lower lr"),
        ([3.0, 2.0], 1.0, "the step before was far too large. Lower lr"),
        ([], 1.0, "not a number from the first step on"),
    ],
)
def test_the_likely_cause_follows_from_the_losses_before(losses, clip, said):
    options = LstmOptions(clip=clip)
    found = not_finite(options, losses, False, what="the loss became nan", best="", last="", where="")
    assert said in str(found)


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"batch": 64}, "Set batch = 32 and accumulate = 2: the same training"),
        ({"batch": 16, "accumulate": 2}, "Set batch = 8 and accumulate = 4"),
        ({"batch": 1, "length": 64}, "Set length = 32"),
    ],
)
def test_a_failed_allocation_suggests_a_batch(options, remedy):
    chosen = LstmOptions(**options)
    with pytest.raises(InputError, match=f"memory ran out at step 3 with batch = {chosen.batch}") as caught:
        with explain_out_of_memory(chosen, "at step 3", "work"):
            torch.empty(1 << 60)
    assert remedy in str(caught.value)
    with pytest.raises(InputError, match="memory ran out"), explain_out_of_memory(chosen, "", ""):
        raise MemoryError


@pytest.mark.parametrize("width", [1 << 40, 1 << 62])
def test_a_network_that_is_too_large_to_build_asks_for_a_smaller_model(job, documents, monkeypatch, width):
    monkeypatch.setattr(LstmModel, "build", lambda *options: torch.empty(width, width // 8))
    said = refused(job("lstm", documents([60]), []))
    assert "memory ran out while the network was built" in said and "Set a smaller model: width" in said
    assert "batch" not in said


def test_an_optimiser_whose_state_does_not_fit_asks_for_a_smaller_model(job, documents, monkeypatch):
    def greedy(*options):
        return torch.empty(1 << 60)

    monkeypatch.setattr(learner, "optimiser_of", greedy)
    work = job("lstm", documents([60]), [], precision="float32", threads=1)
    assert "Set a smaller model: width" in refused(work)


def test_other_errors_are_left_as_they_are():
    with pytest.raises(RuntimeError, match="size mismatch"), explain_out_of_memory(LstmOptions(), "", ""):
        raise RuntimeError("size mismatch")


def test_a_training_that_runs_out_of_memory_says_at_which_step(job, documents, monkeypatch):
    learn = Learner.learn

    def greedy(self, step, *more):
        return torch.empty(1 << 60) if step == 2 else learn(self, step, *more)

    monkeypatch.setattr(Learner, "learn", greedy)
    texts = documents([60, 40])
    assert "memory ran out at step 3 with batch = 4" in refused(job("lstm", texts, texts, steps=5))

import numpy as np
import pytest

from lmcompare.models.neural.family import LSTM, TRANSFORMER
from lmcompare.models.neural.learner import Learner, NotFiniteError
from lmcompare.models.neural.lr_finder import BELOW, MEMORY, smoothed, suggest


def test_the_first_smoothed_values_are_plain_means_and_later_ones_forget():
    assert smoothed([4.0]) == pytest.approx([4.0])
    found = smoothed([4.0, 2.0, 3.0])
    parts = [MEMORY**2, MEMORY, 1.0]
    assert found[-1] == pytest.approx(np.average([4.0, 2.0, 3.0], weights=parts))


def test_the_suggestion_is_below_the_smallest_loss():
    assert suggest([1e-3, 1e-2, 1e-1, 1.0], [4.0, 3.0, 2.0, 5.0]) == pytest.approx(1e-1 / BELOW)
    assert suggest([], []) == 0.0


@pytest.mark.parametrize(("kind", "family"), [("lstm", LSTM), ("transformer", TRANSFORMER)])
def test_the_rate_rises_until_the_loss_breaks_and_nothing_is_kept(job, documents, kind, family):
    texts = [np.resize([2, 3, 4, 5, 1], 400)]
    work = job(kind, texts, texts, precision="float32", steps=50)
    sweep = family.find_lr(work)
    assert sweep.rates == sorted(sweep.rates) and sweep.rates[0] == pytest.approx(work.options.lr / 1000)
    assert min(sweep.smooth) < 0.7 * sweep.smooth[0]
    # What is suggested teaches a cycle of five signs in fifty steps; the lowest rate does not.
    good = job(kind, texts, texts, work.folder.parent / "good", steps=50, lr=sweep.lr, embedding_lr=sweep.lr)
    low = job(kind, texts, texts, work.folder.parent / "low", steps=50, lr=sweep.rates[0], embedding_lr=1e-6)
    bits = [-family.train(each).score(texts)[0].mean() / np.log(2) for each in (good, low)]
    assert bits[0] < 0.5 < 2 < bits[1]
    assert not list(work.folder.iterdir())


def test_a_sweep_ends_where_the_loss_is_no_number(job, documents, monkeypatch):
    learn = Learner.learn

    def failing(self, step, scale, norms=None):
        if step == 7:
            raise NotFiniteError(float("nan"), "loss", False)
        return learn(self, step, scale, norms)

    monkeypatch.setattr(Learner, "learn", failing)
    texts = documents([60])
    assert len(LSTM.find_lr(job("lstm", texts, texts)).rates) == 7

from types import SimpleNamespace

import pytest

from lmcompare.models.neural.duration import Duration
from lmcompare.models.neural.options import LstmOptions
from lmcompare.models.neural.schedule import Schedule


def position(**values):
    start = {"step": 0, "seconds": 0.0, "validation_seconds": 0.0, "share": 0.0, "validated": 0}
    return SimpleNamespace(**(start | values))


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({}, 60),
        ({"epochs": 2.5}, 25),
        ({"epochs": 0.01}, 1),
        ({"steps": 7}, 7),
        ({"tokens": 1000}, 8),
        ({"tokens": 1}, 1),
    ],
)
def test_passes_and_tokens_become_steps(options, steps):
    assert Duration(LstmOptions(**options), steps_per_epoch=10, tokens_per_step=128).steps == steps


def simulate(budget, step_seconds, validation_seconds, evaluations=4):
    """A training against a clock that is driven by hand: its schedule, and when it was validated."""
    duration = Duration(LstmOptions(budget=budget, evaluations=evaluations), 10, 128)
    schedule, now, rates, validations = Schedule("linear", 0.1), position(), [], []
    over = False
    while not over:
        rates.append(schedule.at(*duration.place(now)))
        now.seconds += step_seconds(now.step)
        now.step += 1
        over = duration.over(now)
        if over or duration.due(now):
            validations.append(now.seconds)
            now.validated = duration.validated(now)
            now.seconds += validation_seconds
            now.validation_seconds = validation_seconds
    return now, rates, validations


@pytest.mark.parametrize("validation", [0.0, 1.0, 3.0])
def test_a_budget_is_kept_validations_included(validation):
    now, rates, validations = simulate(60.0, lambda step: 0.2 if step % 5 else 0.5, validation)
    assert now.seconds == pytest.approx(60.0, abs=0.6)
    assert len(validations) == 4
    assert [each / 60 for each in validations[:3]] == pytest.approx([0.25, 0.5, 0.75], abs=0.05)
    assert max(rates) > 0.97 and rates[-1] < 0.03  # it rises and falls in the time that there is


def test_the_rate_never_rises_again_though_steps_become_slow():
    _, rates, _ = simulate(60.0, lambda step: 0.05 if step < 200 else 1.0, 2.0)
    top = rates.index(max(rates))
    assert all(later <= earlier for earlier, later in zip(rates[top:], rates[top + 1 :], strict=False))


def test_a_step_longer_than_the_budget_is_done_once():
    now, _, validations = simulate(1.0, lambda step: 50.0, 1.0)
    assert now.step == 1 and len(validations) == 1


def test_validations_stand_at_even_shares_and_after_the_last_step():
    duration = Duration(LstmOptions(steps=21, evaluations=5), 10, 128)
    now, found = position(), []
    while not duration.over(now):
        now.step += 1
        if duration.due(now):
            found.append(now.step)
            now.validated = duration.validated(now)
    assert found == [4, 8, 13, 17, 21]

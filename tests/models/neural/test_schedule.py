import pytest

from lmcompare.models.neural.schedule import Schedule

SHAPES = ("cosine", "linear", "trapezoid", "constant")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_rate_rises_in_a_line_and_never_again(shape):
    schedule = Schedule(shape, 0.1, 0.2)
    rates = [schedule.at(step, 100) for step in range(100)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert max(rates) == rates[10] == 1.0 and rates[10:] == sorted(rates[10:], reverse=True)
    assert schedule.at(100, 100) == pytest.approx(1.0 if shape == "constant" else 0.01)


def test_shapes_fall_as_they_are_named():
    half = {shape: Schedule(shape, 0.0, 0.2).at(50, 100) for shape in SHAPES}
    assert half == pytest.approx({"cosine": 0.505, "linear": 0.505, "trapezoid": 1.0, "constant": 1.0})
    quarter = {shape: Schedule(shape, 0.0, 0.2).at(25, 100) for shape in ("cosine", "linear")}
    assert quarter == pytest.approx({"cosine": 0.01 + 0.99 * 0.8535534, "linear": 0.01 + 0.99 * 0.75})
    assert Schedule("trapezoid", 0.0, 0.2).at(90, 100) == pytest.approx(0.505)


@pytest.mark.parametrize("shape", SHAPES)
def test_in_seconds_it_goes_as_in_steps(shape):
    schedule = Schedule(shape, 0.05, 0.3)
    for step in range(0, 200, 7):
        assert schedule.at(step * 0.25, 50.0, 0.25) == pytest.approx(schedule.at(step, 200))


def test_a_clock_that_runs_over_does_not_turn_the_rate():
    for shape in SHAPES:
        assert 0 < Schedule(shape).at(107.0, 100.0) <= 1

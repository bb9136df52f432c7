import json
from types import SimpleNamespace

import pytest
import torch

from lmcompare.errors import InputError
from lmcompare.models.neural import speed
from lmcompare.models.neural.family import LSTM, TRANSFORMER
from lmcompare.models.neural.options import LstmOptions
from lmcompare.models.neural.speed import choose, fastest


@pytest.fixture(autouse=True)
def _can(monkeypatch, tmp_path):
    """A home of one's own, on a processor with bfloat16, with a clock that `Machine` drives."""
    monkeypatch.setenv("LMCOMPARE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(speed, "can_bfloat16", lambda device: True)
    monkeypatch.setattr(speed, "time", SimpleNamespace(perf_counter=lambda: Machine.now))


class Machine:
    """Steps of a machine on which bfloat16 and a second thread are as fast as told."""

    now = 0.0

    def __init__(self, rounded=1.0, threaded=1.0):
        self.rounded, self.threaded, self.measured = rounded, threaded, []

    def measure(self, bfloat16):
        def step(number):
            threads = torch.get_num_threads()
            self.measured.append((bfloat16, threads))
            factor = (self.rounded if bfloat16 else 1.0) * (self.threaded if threads > 1 else 1.0)
            Machine.now += 0.01 * factor

        return step


def chosen(machine, folder, allowed=2, steps=1000, key="a", **options):
    folder.mkdir(exist_ok=True)
    return choose(LstmOptions(**options), allowed, steps, folder, key, machine.measure)


@pytest.mark.parametrize(
    ("rounded", "threaded", "expected"),
    [(0.4, 2.0, (True, 1)), (2.0, 0.4, (False, 2)), (0.5, 0.5, (True, 2)), (1.5, 1.5, (False, 1))],
)
def test_the_quickest_is_chosen_and_all_times_are_told(tmp_path, rounded, threaded, expected):
    choice = chosen(Machine(rounded, threaded), tmp_path / "work")
    assert (choice.bfloat16, choice.threads) == expected
    assert len(choice.step_seconds) == 4 and "is quickest (" in choice.note()
    facts = choice.facts()
    assert facts["threads"] == expected[1] and facts["measured_step_seconds"] == choice.step_seconds


def test_a_near_tie_goes_to_the_plainest():
    ways = {(False, 1): 1.0, (False, 2): 0.97, (True, 1): 0.96, (True, 2): 0.99}
    assert fastest(ways).threads == 1 and not fastest(ways).bfloat16
    assert fastest(ways | {(True, 2): 0.5}).threads == 2


def test_a_training_keeps_its_choice_and_the_machine_keeps_it_for_the_next(tmp_path):
    first = chosen(Machine(rounded=0.4), tmp_path / "a")
    changed = Machine(rounded=3.0)
    assert chosen(changed, tmp_path / "a") == first  # resumed
    assert chosen(changed, tmp_path / "b") == first  # run again in another folder
    assert not changed.measured
    assert not chosen(changed, tmp_path / "c", key="b").bfloat16 and changed.measured
    (tmp_path / "home").rename(tmp_path / "elsewhere")
    assert chosen(Machine(rounded=3.0), tmp_path / "a") == first


@pytest.mark.parametrize(
    ("options", "allowed", "steps"),
    [
        ({"precision": "float32", "threads": 2}, 2, 1000),
        ({"precision": "bfloat16"}, 1, 1000),
        ({}, 2, 50),
        ({"budget": "10s"}, 2, None),
    ],
)
def test_with_all_fixed_or_few_steps_nothing_is_measured(tmp_path, options, allowed, steps):
    machine = Machine()
    choice = chosen(machine, tmp_path / "work", allowed, steps, **options)
    assert not machine.measured and not choice.step_seconds and not choice.note()
    assert choice.threads == allowed and choice.bfloat16 == (options.get("precision") != "float32")


def test_slow_steps_are_timed_no_longer_than_it_is_worth(tmp_path):
    machine = Machine(rounded=150.0)  # a step takes 1.5 seconds
    chosen(machine, tmp_path / "work", allowed=1)
    assert machine.measured.count((False, 1)) == 1 + speed.STEPS and machine.measured.count((True, 1)) == 3


def test_a_long_budget_is_worth_a_measurement(tmp_path):
    machine = Machine()
    assert chosen(machine, tmp_path / "work", steps=None, budget="1min").step_seconds and machine.measured


def test_a_training_measures_says_so_and_is_resumed_as_it_began(job, documents, monkeypatch):
    monkeypatch.setattr(speed, "WORTH", 10)
    texts, said = documents([60, 40]), []
    work = job("transformer", texts, texts[:1], steps=10)
    object.__setattr__(work, "progress", lambda progress: said.append(progress.note))
    model = TRANSFORMER.train(work)
    times = model.facts["measured_step_seconds"]
    assert set(times) == {"float32 on 1 thread", "bfloat16 on 1 thread"}
    assert any("is quickest" in note for note in said)
    stored = json.loads((work.folder / "choice.json").read_text())
    assert model.facts["precision"] == ("bfloat16" if stored["bfloat16"] else "float32")
    stored["bfloat16"] = not stored["bfloat16"]
    other = job("transformer", texts, texts[:1], work.folder.parent / "other", steps=10)
    (other.folder / "choice.json").write_text(json.dumps(stored))
    assert TRANSFORMER.train(other).facts["precision"] != model.facts["precision"]


def test_measuring_leaves_the_training_as_it_is(job, documents, monkeypatch, tmp_path):
    texts, models = documents([60, 40]), []
    for worth in (10, 1000):
        monkeypatch.setattr(speed, "WORTH", worth)
        work = job("lstm", texts, texts[:1], tmp_path / str(worth), steps=12, sampled_softmax=5)
        (work.folder / "choice.json").unlink(missing_ok=True)
        monkeypatch.setattr(speed, "fastest", lambda seconds: speed.Choice(True, 1, {"measured": 1.0}))
        models.append(LSTM.train(work))
    assert "measured_step_seconds" in models[0].facts and "measured_step_seconds" not in models[1].facts
    one, other = (model.network.state_dict() for model in models)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_more_threads_than_the_experiment_allows_are_refused(job, documents):
    texts = documents([30])
    with pytest.raises(InputError, match=r"threads = 3 is more than the experiment's threads \(1\)"):
        LSTM.train(job("lstm", texts, texts, steps=2, threads=3))

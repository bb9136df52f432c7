import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lmcompare import stopping
from lmcompare.stopping import Stopped

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def ask() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)  # a signal is heard between two steps of the interpreter


@pytest.fixture(autouse=True)
def _not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping._Request, "asked", False)


def test_a_request_ends_what_listens_at_once() -> None:
    with pytest.raises(Stopped), stopping.listening():
        ask()
        raise AssertionError("it went on")


def test_what_defers_is_asked_where_it_can_end() -> None:
    done = []
    with pytest.raises(Stopped), stopping.listening():
        with stopping.deferred():
            with stopping.deferred():
                ask()
            done.append(stopping.asked())
        done.append("it went on after the block")
    assert done == [True]
    with pytest.raises(Stopped), stopping.listening():
        done.append("what comes after is not begun")
    assert done == [True]


def test_outside_the_block_signals_are_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping.listening():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_another_thread_nothing_is_heard() -> None:
    found: list[Any] = []

    def work() -> None:
        with stopping.listening():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]


def start(*arguments: str | Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "lmcompare", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


def stop_when(process: "subprocess.Popen[str]", begun: Any, seconds: float = 90) -> tuple[str, str]:
    """SIGTERM as soon as `begun()` holds; what it wrote."""
    deadline = time.monotonic() + seconds
    while not begun() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None and begun()
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopped. Run the same command again to go on" in errors
    assert "Traceback" not in errors
    return out, errors


def steps(folder: Path) -> list[int]:
    return sorted(int(path.name.rpartition("-")[2]) for path in folder.glob("checkpoint-*"))


@pytest.mark.slow
def test_a_training_that_is_asked_to_stop_goes_on_to_the_same_model_whatever_befalls_its_checkpoint(
    tiny: Path,
) -> None:
    work = tiny / ".stopped.work"
    command = ["train", "lstm", str(tiny / "text.txt"), "--set", "width=16", "--set", "batch=4"]
    command += [
        "--set",
        "evaluations=2",
        "--set",
        "patience=0",
        "--set",
        "steps=400",
        "--set",
        "sample_every=0",
    ]
    command += ["--set", "checkpoint_every=50", "--set", "precision=float32"]
    characters = ["--tokenizer", "char", "--out", str(tiny / "stopped")]
    stop_when(start(*command, *characters), lambda: len(steps(work)) > 1)
    kept = steps(work)
    assert not (tiny / "stopped").exists() and kept[-1] % 50  # not one of the regular checkpoints
    other = start(*command, "--tokenizer", "byte", "--out", tiny / "stopped")
    _, errors = other.communicate(timeout=60)
    assert other.returncode == 2 and "a training with another vocabulary" in errors
    damaged = work / f"checkpoint-{kept[-1]}" / "arrays.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-5])
    said = {}
    for name in ("stopped", "whole"):
        run = start(*command, "--tokenizer", "char", "--out", tiny / name)
        _, said[name] = run.communicate(timeout=120)
        assert run.returncode == 0, said[name]
    assert (
        f"checkpoint-{kept[-1]}" in said["stopped"] and "The checkpoint before it is used" in said["stopped"]
    )
    curves = [(tiny / name / "curve.jsonl").read_text().splitlines() for name in ("stopped", "whole")]
    assert len(curves[0]) == len(curves[1]) == 2
    weights = [(tiny / name / "weights.safetensors").read_bytes() for name in ("stopped", "whole")]
    assert weights[0] == weights[1]
    assert json.loads((tiny / "stopped" / "model.json").read_text())["config"]["facts"]["steps"] == 400


@pytest.mark.slow
def test_a_run_that_is_asked_to_stop_checkpoints_all_its_cells(tiny: Path) -> None:
    """That it goes on from there is test_kill's matter."""
    experiment = tiny / "experiment.toml"
    text = experiment.read_text().replace("steps = 60", "steps = 100000\npatience = 0")
    experiment.write_text(text.replace("checkpoint_every = 5", "checkpoint_every = 50"))

    def checkpoints() -> list[Path]:
        return list((tiny / "cells").rglob("checkpoint-*"))

    def both() -> bool:
        return len({path.parent for path in checkpoints()}) == 2

    stop_when(start("run", tiny, "--no-notebook"), both)
    newest = {work: steps(work)[-1] for work in {path.parent for path in checkpoints()}}
    assert len(newest) == 2
    for work, step in newest.items():
        state = json.loads((work / f"checkpoint-{step}" / "state.json").read_text())
        assert state["step"] == step and not state["finished"]
    assert any(step % 50 for step in newest.values())  # one taken because it was asked to
    assert not (tiny / "results.json").exists()

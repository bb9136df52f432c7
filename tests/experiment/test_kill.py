import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lmcompare.evaluation.results import Results

MEASURED = {
    "train_seconds",
    "train_processor_seconds",
    "score_tokens_per_second",
    "generate_tokens_per_second",
    "peak_memory_bytes",
    # of the table of training speeds
    "tokens_per_second",
    "product_flops_per_second",
    "utilisation",
}

MIXTURE = """
[[models]]
name = "all"
kind = "mixture"
members = ["3-gram", {kind = "cache", order = 2, over = "lstm"}]
adapt = "online"

"""


def without_timings(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_timings(v) for k, v in value.items() if k not in MEASURED and k != "seconds"}
    return [without_timings(each) for each in value] if isinstance(value, list) else value


def start(folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "lmcompare", "run", str(folder), "--no-notebook"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(folder: Path) -> Any:
    run = start(folder)
    _, errors = run.communicate(timeout=300)
    assert run.returncode == 0, errors.decode()
    text = (folder / "results.json").read_text()
    Results.model_validate_json(text)
    return without_timings(json.loads(text))


@pytest.mark.slow
def test_a_run_killed_at_ten_random_moments_ends_in_the_same_results(tiny: Path) -> None:
    experiment = tiny / "experiment.toml"
    experiment.write_text(experiment.read_text().replace("[evaluation]\n", MIXTURE + "[evaluation]\n"))
    killed = tiny.parent / "killed" / "tiny"
    killed.mkdir(parents=True)
    for name in ("text.txt", "experiment.toml"):
        (killed / name).write_bytes((tiny / name).read_bytes())
    begin = time.monotonic()
    expected = finish(tiny)
    whole = time.monotonic() - begin
    rng = random.Random(3)
    kills = 0
    for _ in range(10):
        run = start(killed)
        try:
            run.wait(timeout=rng.uniform(0.1, 0.6) * whole)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            kills += 1
        run.communicate()
    assert kills >= 3
    found = finish(killed)
    expected["command"] = found["command"] = ""
    assert found == expected
    leftovers = [path for path in killed.rglob(".tmp-*")]
    assert not leftovers


@pytest.mark.slow
def test_a_second_run_trains_nothing_and_writes_the_same(tiny: Path) -> None:
    first = finish(tiny)
    stamps = {path: path.stat().st_mtime_ns for path in tiny.glob("cells/*/model/*")}
    assert finish(tiny) == first
    assert {path: path.stat().st_mtime_ns for path in tiny.glob("cells/*/model/*")} == stamps

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lmcompare.errors import InputError
from lmcompare.experiment.executors import run_all


@dataclass(frozen=True)
class Step:
    name: str
    folder: str
    after: tuple[str, ...] = ()
    fails: bool = False
    seconds: float = field(default=0.0)


def start() -> None:
    pass


def work(step: Step) -> None:
    """Leaves a file; refuses to begin before what it needs stands."""
    folder = Path(step.folder)
    missing = [name for name in step.after if not (folder / name).exists()]
    if missing or step.fails:
        raise InputError(f"{step.name} needs {missing}" if missing else f"{step.name} failed")
    time.sleep(step.seconds)
    (folder / step.name).write_text(str(os.getpid()))


def run(steps: list[Step], workers: int = 2, *, fresh: bool = True) -> list[str]:
    ended: list[str] = []
    run_all(
        steps,
        lambda step: [other for other in steps if other.name in step.after],
        work,
        workers,
        start,
        (),
        lambda: None,
        lambda step: ended.append(step.name),
        fresh=fresh,
    )
    return ended


def test_a_job_begins_only_when_those_that_it_needs_have_ended(tmp_path: Path) -> None:
    folder = str(tmp_path)
    steps = [
        Step("a", folder, seconds=0.3),
        Step("b", folder),
        Step("c", folder, ("a", "b")),
        Step("d", folder, ("b",)),
        Step("e", folder, ("c",)),
    ]
    ended = run(steps)
    assert sorted(ended) == ["a", "b", "c", "d", "e"]
    assert ended[-1] == "e"
    assert len({(tmp_path / name).read_text() for name in ended}) == 5  # a process each


def test_after_a_fault_nothing_that_needed_the_job_is_begun(tmp_path: Path) -> None:
    folder = str(tmp_path)
    with pytest.raises(InputError, match="a failed"):
        run([Step("a", folder, fails=True), Step("b", folder, ("a",))])
    assert not (tmp_path / "b").exists()


def test_processes_that_are_not_fresh_serve_one_job_after_the_other(tmp_path: Path) -> None:
    ended = run([Step(name, str(tmp_path)) for name in "abcdef"], fresh=False)
    assert len({(tmp_path / name).read_text() for name in ended}) <= 2 < len(ended)

"""Progress on the terminal: a bar a cell, with the time left; plain lines where there is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lmcompare.registry import Progress as Told

PLAIN_EVERY = 10.0
"""Seconds between two lines of one cell where the output is a file."""


class TerminalWatcher:
    """Shows a run (`experiment.run.Watcher`) with rich; use as a context manager."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._stages: dict[str, str] = {}
        self._said: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._whole = self.bars.add_task("starting", total=None, note="")

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def stage(self, what: str) -> None:
        """A new step of the whole run begins."""
        self.bars.update(self._whole, description=what)
        self._line(what)

    def cells(self, labels: list[str], ready: list[str]) -> None:
        """All cells by label, and those that stand already."""
        self.bars.update(self._whole, description="all cells", total=len(labels), completed=len(ready))
        for label in ready:
            self._line(f"{label}: stands already")

    def progress(self, label: str, progress: Told) -> None:
        """A cell goes on."""
        if self._stages.get(label) != progress.stage:
            # A new stage has a clock of its own: the last one's speed says nothing of it.
            if label in self._tasks:
                self.bars.remove_task(self._tasks[label])
            self._tasks[label] = self.bars.add_task(
                f"{label}: {progress.stage}", total=progress.total, note=""
            )
            self._stages[label], self._begun[label] = progress.stage, time.monotonic()
        self.bars.update(
            self._tasks[label], completed=progress.done, total=progress.total, note=progress.note[:48]
        )
        self._plain(label, progress)

    def finished(self, label: str) -> None:
        """A cell stands."""
        if label in self._tasks:
            self.bars.remove_task(self._tasks.pop(label))
        self.bars.advance(self._whole)
        self._line(f"{label}: done")

    def beat(self) -> None:
        """Nothing to do: rich refreshes by itself."""

    def _plain(self, label: str, progress: Told) -> None:
        now = time.monotonic()
        if self.console.is_terminal or now - self._said.get(label, 0.0) < PLAIN_EVERY:
            return
        self._said[label] = now
        share = progress.done / progress.total if progress.total else 0.0
        spent = now - self._begun[label]
        left = f", {spent * (1 - share) / share:.0f} s left" if share > 0.02 else ""
        self._line(f"{label}: {progress.stage} {share:.0%}{left} {progress.note}")

    def _line(self, text: str) -> None:
        if not self.console.is_terminal:
            self.console.print(text, highlight=False, markup=False)

"""Progress on the terminal: a bar a cell, and how networks learn; plain lines where there is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from lmcompare.registry import Progress as Told

PLAIN_EVERY = 10.0
"""Seconds between two lines of one cell where the output is a file."""
LEVELS = "▁▂▃▄▅▆▇█"
COLUMNS = 32
"""Width of a curve of losses."""


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
        )
        self._tasks: dict[str, TaskID] = {}
        self._stages: dict[str, str] = {}
        self._said: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._learning: dict[str, LearningView] = {}
        self._whole = self.bars.add_task("starting", total=None, note="")
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

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
            self._forget(label)
            self._tasks[label] = self.bars.add_task(
                f"{label}: {progress.stage}", total=progress.total, note=""
            )
            self._stages[label], self._begun[label] = progress.stage, time.monotonic()
        if progress.learning is not None:
            self._learning.setdefault(label, LearningView()).add(progress)
        # What the view of its learning shows need not stand beside the bar too.
        note = "" if progress.learning is not None else progress.note[:48]
        self.bars.update(self._tasks[label], completed=progress.done, total=progress.total, note=note)
        self._plain(label, progress)

    def finished(self, label: str) -> None:
        """A cell stands."""
        self._forget(label)
        self.bars.advance(self._whole)
        self._line(f"{label}: done")

    def beat(self) -> None:
        """Nothing to do: rich refreshes by itself."""

    def _forget(self, label: str) -> None:
        if label in self._tasks:
            self.bars.remove_task(self._tasks.pop(label))
        self._learning.pop(label, None)

    def _render(self) -> RenderableType:
        # A copy: progress may come while the screen is drawn.
        views = [view.lines(label) for label, view in list(self._learning.items())]
        return Group(self.bars.get_renderable(), *views)

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


class LearningView:
    """Three lines on one training: losses so far, the newest numbers, the newest text."""

    def __init__(self) -> None:
        self._losses: list[tuple[float, float]] = []
        self._numbers = ""
        self._sample = ""

    def add(self, progress: Told) -> None:
        """What was told now."""
        learning = progress.learning
        if learning is None:
            return
        self._losses.append((progress.done / progress.total if progress.total else 0.0, learning.bits))
        valid = "" if learning.valid_bits is None else f"   valid {learning.valid_bits:.3f}"
        speed = f"{learning.tokens_per_second:,.0f} tokens/s"
        self._numbers = f"{learning.bits:.3f} bits a token{valid}   {speed}"
        self._sample = " ".join(learning.sample.split())

    def lines(self, label: str) -> Text:
        """As it stands on the screen; a text that is too long for its line is cut there."""
        text = Text(f"{label}: ", no_wrap=True, overflow="ellipsis")
        text.append(sparkline(self._losses, COLUMNS), style="cyan")
        text.append(f" {self._numbers}")
        if self._sample:
            text.append("\n  writes ", style="dim").append(self._sample, style="italic")
        return text


def sparkline(points: list[tuple[float, float]], columns: int) -> str:
    """Losses as a row of blocks, one a column of the whole training; nothing where nothing was told yet.

    Args:
        points: how much of the training was done (0 to 1), and the loss then.
        columns: of the whole training.
    """
    sums, counts = [0.0] * columns, [0] * columns
    for share, loss in points:
        column = min(int(share * columns), columns - 1)
        sums[column] += loss
        counts[column] += 1
    means = [total / count for total, count in zip(sums, counts, strict=True) if count]
    if not means:
        return ""
    low, range_ = min(means), max(means) - min(means)
    return "".join(
        LEVELS[round((mean - low) / range_ * (len(LEVELS) - 1)) if range_ else 0] for mean in means
    )

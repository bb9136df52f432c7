from __future__ import annotations

import io

import pytest
from rich.console import Console

from lmcompare.commands.watching import LEVELS, TerminalWatcher, sparkline
from lmcompare.registry import Learning, Progress


def told(done: float, bits: float, sample: str = "", valid: float | None = None) -> Progress:
    return Progress("train lstm", done, 100, f"loss {bits:.2f}", Learning(bits, valid, 12_345.6, sample))


def shown(watcher: TerminalWatcher) -> str:
    """What stands on the screen now."""
    out = io.StringIO()
    Console(file=out, width=100).print(watcher._render())
    return out.getvalue()


@pytest.fixture
def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100)


def test_the_losses_fall_from_the_highest_block_to_the_lowest() -> None:
    falling = sparkline([(step / 16, 10.0 - step / 2) for step in range(16)], 8)
    assert len(falling) == 8 and falling[0] == LEVELS[-1] and falling[-1] == LEVELS[0]
    assert [LEVELS.index(block) for block in falling] == sorted(map(LEVELS.index, falling), reverse=True)


def test_a_column_is_the_mean_of_its_losses_and_the_line_grows_with_the_training() -> None:
    assert sparkline([], 8) == ""
    assert sparkline([(0.1, 3.0)], 8) == LEVELS[0]
    assert sparkline([(0.0, 1.0), (0.01, 9.0), (0.5, 0.0), (1.0, 10.0)], 2) == LEVELS[0] * 2
    assert sparkline([(0.0, 4.0), (0.6, 0.0), (1.0, 16.0)], 2) == LEVELS[0] + LEVELS[-1]


def test_a_training_shows_its_curve_its_numbers_and_its_newest_text(terminal: Console) -> None:
    watcher = TerminalWatcher(terminal)
    watcher.cells(["lstm", "5-gram"], [])
    watcher.progress("lstm", told(1, 9.0))
    watcher.progress("5-gram", Progress("counting", 1, 3, "order 2"))
    assert "writes" not in shown(watcher)
    watcher.progress("lstm", told(60, 5.25, "the cat\n sees [bold]a dog", valid=5.5))
    view = shown(watcher)
    line = next(line for line in view.splitlines() if line.startswith("lstm: █"))
    assert "▁ 5.250 bits a token   valid 5.500   12,346 tokens/s" in line
    assert "writes the cat sees [bold]a dog" in view
    assert "60 %" in view and "order 2" in view and "loss 5.25" not in view
    watcher.finished("lstm")
    assert "tokens/s" not in shown(watcher)


def test_a_long_text_is_cut_at_the_end_of_its_line(terminal: Console) -> None:
    watcher = TerminalWatcher(terminal)
    watcher.progress("lstm", told(10, 5.0, "好" * 200))
    assert all(len(line) <= 100 for line in shown(watcher).splitlines())
    assert sum("好" in line for line in shown(watcher).splitlines()) == 1


def test_a_terminal_is_drawn_on_while_the_work_goes_on(terminal: Console) -> None:
    with TerminalWatcher(terminal) as watcher:
        watcher.progress("lstm", told(10, 5.0, "a text"))
    drawn = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "a text" in drawn and "tokens/s" in drawn


def test_a_file_gets_plain_lines() -> None:
    console = Console(file=io.StringIO(), width=100)
    with TerminalWatcher(console) as watcher:
        watcher.progress("lstm", told(50, 5.0, "a text"))
        watcher.progress("lstm", told(51, 4.9, "a text"))
        watcher.finished("lstm")
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert written.splitlines() == ["lstm: train lstm 50%, 0 s left loss 5.00", "lstm: done"]

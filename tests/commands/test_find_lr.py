from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from lmcompare.__main__ import cli
from lmcompare.commands.find_lr import draw
from lmcompare.errors import InputError
from lmcompare.reporting.drawing import to_svg


def run(*arguments: object) -> str:
    found = CliRunner().invoke(cli, ["find-lr", *map(str, arguments)], catch_exceptions=False)
    return found.output


def test_it_says_which_models_have_a_learning_rate(tiny: Path) -> None:
    for arguments, said in (
        ((tiny,), "several models have a learning rate"),
        ((tiny, "--model", "3-gram"), "'3-gram' is not trained by gradients"),
        ((tiny, "--model", "lstn"), "there is no model 'lstn'"),
        ((tiny, "--model", "lstm", "--plot", "lr.jpg"), "a plot ends in .svg or .png"),
    ):
        with pytest.raises(InputError, match=said):
            run(*arguments)


@pytest.mark.slow
def test_it_suggests_a_rate_and_writes_nothing_but_the_plot(tiny: Path) -> None:
    before = {path.name for path in tiny.iterdir()}
    shown = run(tiny, "--model", "lstm", "--plot", tiny / "lr.svg")
    assert "suggested: lr = 0.0" in shown and "smallest" in shown
    assert {path.name for path in tiny.iterdir()} == before | {"lr.svg"}
    assert (tiny / "lr.svg").read_text().count("training loss, nats per token") == 1


def test_the_plot_marks_the_suggestion_and_what_is_set() -> None:
    sweep = SimpleNamespace(
        rates=[1e-3, 1e-2, 1e-1], losses=[3.0, 2.0, 9.0], smooth=[3.0, 2.5, 4.0], lr=0.001, set_lr=0.02
    )
    svg = to_svg(draw(sweep, "lstm"))
    assert "suggested: 0.001" in svg and "set now: 0.02" in svg

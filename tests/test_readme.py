import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from lmcompare.__main__ import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def test_the_python_example_runs_and_prints_what_stands_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.strip() == blocks("text")[0].strip()


def test_the_first_block_holds_the_two_commands() -> None:
    first, second = blocks("sh")[0].strip().splitlines()
    assert "lmcompare run" in first and "pytest" in second


def test_every_command_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"lmcompare ([\w-]+)", " ".join(blocks("sh"))))
    assert named and named <= set(COMMANDS)
    for name in named:
        assert CliRunner().invoke(cli, [name, "--help"]).exit_code == 0


def test_every_path_that_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_the_readme_and_the_project_name_the_same_python() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f"Python {wanted.removeprefix('>=')}" in README

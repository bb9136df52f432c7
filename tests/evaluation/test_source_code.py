"""Digests of code move with an edit of what scores depend on, and with nothing else."""

from __future__ import annotations

import ast
import shutil
import sys
import types
from pathlib import Path

import pytest

import lmcompare
from lmcompare.evaluation import source_code

ROOT = Path(lmcompare.__file__).parent


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the package that digests are taken of."""
    shutil.copytree(ROOT, tmp_path / "lmcompare", ignore=shutil.ignore_patterns("__pycache__", "*.toml"))
    monkeypatch.setattr(lmcompare, "__file__", str(tmp_path / "lmcompare" / "__init__.py"))
    yield tmp_path / "lmcompare"
    source_code.own_code.cache_clear()


def own_code() -> str:
    source_code.own_code.cache_clear()
    return source_code.own_code()


def test_the_same_files_elsewhere_have_the_same_digest(copied, monkeypatch):
    here = own_code()
    monkeypatch.undo()
    assert own_code() == here


@pytest.mark.parametrize(
    "name",
    [
        "interface.py",
        "text/tokenizers/word.py",
        "models/ngram/model.py",
        "models/neural/transformer.py",
        "evaluation/scoring.py",
    ],
)
def test_an_edit_of_what_scores_moves_the_digest(copied, name):
    before = own_code()
    with (copied / name).open("a") as file:
        file.write("# edited\n")
    assert own_code() != before


def test_a_new_or_a_renamed_module_moves_it(copied):
    before = own_code()
    (copied / "models" / "new.py").write_text("")
    added = own_code()
    (copied / "models" / "new.py").rename(copied / "models" / "newer.py")
    assert len({before, added, own_code()}) == 3


@pytest.mark.parametrize("name", ["reporting/html.py", "commands/score.py", "evaluation/ranking.py"])
def test_what_comes_after_the_scores_does_not_move_it(copied, name):
    before = own_code()
    with (copied / name).open("a") as file:
        file.write("# edited\n")
    assert own_code() == before


def test_all_that_models_and_texts_import_counts():
    counted = {file for pattern in source_code.SCORING for file in ROOT.glob(pattern)}
    used = set()
    for file in (*ROOT.glob("text/**/*.py"), *ROOT.glob("models/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lmcompare"):
                used |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    places = [ROOT.parent / name.replace(".", "/") for name in used]
    found = {file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")}
    found = {file for file in found if file.is_file()}
    assert len(found) > 100 and found <= counted


def test_a_plug_in_counts_with_all_modules_of_its_package(tmp_path, monkeypatch):
    package = tmp_path / "pluggy_models"
    (package / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py", "inner/network.py"):
        (package / name).write_text("")
    module = types.ModuleType("pluggy_models")
    module.__path__ = [str(package)]
    monkeypatch.setitem(sys.modules, "pluggy_models", module)
    found = []
    for text in ("", "A = 1\n"):
        (package / "inner" / "network.py").write_text(text)
        source_code.package_code.cache_clear()
        found.append(source_code.package_code("pluggy_models"))
    assert found[0] != found[1]


def test_code_that_stands_in_no_file_is_never_the_same_again(monkeypatch):
    monkeypatch.setitem(sys.modules, "typed_in", types.ModuleType("typed_in"))
    found = set()
    for _ in range(2):
        source_code.package_code.cache_clear()
        found.add(source_code.package_code("typed_in"))
    assert len(found) == 2


def test_built_in_kinds_and_unknown_words_add_no_package():
    assert source_code.code_of(["ngram", "lstm", "no-such-kind"]).keys() == {"lmcompare"}

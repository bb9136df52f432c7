import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's corpora."""
    before = os.environ.get("LMCOMPARE_HOME")
    os.environ["LMCOMPARE_HOME"] = str(tmp_path_factory.mktemp("home"))
    yield
    if before is None:
        del os.environ["LMCOMPARE_HOME"]
    else:
        os.environ["LMCOMPARE_HOME"] = before


def tiny_text(documents: int = 60, seed: int = 7) -> str:
    """A text of a few hundred short lines from a handful of words, blank lines between documents."""
    rng = random.Random(seed)
    nouns, verbs, places = ["cat", "dog", "bird"], ["sees", "likes"], ["here", "there", "at home"]
    parts = []
    for _ in range(documents):
        lines = [
            f"the {rng.choice(nouns)} {rng.choice(verbs)} a {rng.choice(nouns)} {rng.choice(places)} ."
            for _ in range(rng.randint(3, 7))
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


TINY = """
title = "tiny"
workers = 2

[corpus]
path = "text.txt"
documents = "blank-line"
language = "en"

[tokenizer]
kind = "char"

[[models]]
name = "3-gram"
kind = "ngram"
order = 3

[[models]]
name = "lstm"
kind = "lstm"
width = 16
steps = 60
batch = 4
length = 16
checkpoint_every = 5
evaluations = 4

[[models]]
name = "transformer"
kind = "transformer"
width = 16
layers = 1
heads = 2
steps = 60
batch = 4
length = 16
checkpoint_every = 5
evaluations = 4

[evaluation]
resamples = 200

[evaluation.generation]
prompts = 4
prompt_units = 2
length = 12
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The folder of an experiment that trains in seconds."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "text.txt").write_text(tiny_text())
    (folder / "experiment.toml").write_text(TINY)
    return folder

"""Per-token scores of an experiment as a file."""

from __future__ import annotations

import numpy as np
from click.testing import CliRunner

from lmcompare.__main__ import cli

EXPERIMENT = """
seeds = [1]
[corpus]
path = "text.txt"
[tokenizer]
kind = "word"
[[models]]
name = "two"
kind = "ngram"
order = 2
[[models]]
name = "letters"
kind = "ngram"
order = 2
tokenizer = {kind = "char"}
[evaluation]
resamples = 100
generation = {prompts = 0}
"""


def test_every_model_of_the_same_tokens_has_a_column(tmp_path):
    lines = [f"the {animal} sees the {other}" for animal in ("cat", "dog", "owl") for other in ("fox", "hen")]
    (tmp_path / "text.txt").write_text("\n".join(lines * 20) + "\n")
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    run = CliRunner().invoke(cli, ["export", str(tmp_path), "--out", str(tmp_path / "t.npz")])
    assert run.exit_code != 0
    assert "'two' has not been evaluated yet" in str(run.exception)
    done = CliRunner().invoke(cli, ["run", str(tmp_path), "--no-notebook"])
    assert done.exit_code == 0, done.output
    run = CliRunner().invoke(cli, ["export", str(tmp_path), "--out", str(tmp_path / "t.npz")])
    assert run.exit_code == 0, run.output
    assert "left out, since it predicts other tokens: letters" in run.output
    with np.load(tmp_path / "t.npz", allow_pickle=False) as table:
        assert {"document", "sentence", "position", "id", "token", "two"} <= set(table.files)
        assert np.all(table["two"] <= 0)
        assert set(table["token"]) >= {"the", "</s>"}

from pathlib import Path

from click.testing import CliRunner

from lmcompare.__main__ import cli


def test_a_token_longer_than_the_terminal_is_wide_is_folded_and_not_cut(tiny: Path, tmp_path: Path) -> None:
    folder, words = str(tmp_path / "model"), "the antidisestablishmentarianism" + "s" * 70
    trained = CliRunner().invoke(cli, ["train", "ngram", str(tiny / "text.txt"), "--out", folder])
    assert trained.exit_code == 0, trained.output
    said = CliRunner().invoke(cli, ["score", words, "--model", folder], env={"COLUMNS": "80"})
    table = said.output[: said.output.index(" events")]
    assert said.exit_code == 0 and "…" not in table and "antidisestablishmentarianism" in table
    assert table.count("s") >= words.count("s")

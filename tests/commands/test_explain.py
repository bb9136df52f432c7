import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lmcompare.__main__ import cli
from lmcompare.errors import InputError
from lmcompare.models.ngram.model import NgramModel


def call(*words: object) -> Result:
    return CliRunner().invoke(
        cli, [str(word) for word in words], catch_exceptions=False, env={"COLUMNS": "140"}
    )


def run(*words: object) -> str:
    result = call(*words)
    assert result.exit_code == 0, result.output
    return result.output


NUMBER = re.compile(r"[\d.,]*\d(?:×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")


@pytest.fixture
def ngram(tiny: Path, tmp_path: Path) -> Path:
    run("train", "ngram", tiny / "text.txt", "--out", tmp_path / "3-gram", "--set", "order=3")
    return tmp_path / "3-gram"


def shares(text: str) -> list[float]:
    """The last column: of each row, then their sum."""
    found = re.findall(r"(\d\.\d+)(?:×10(\S+))? *$", text, re.MULTILINE)
    powers = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    return [float(digits) * 10 ** int(power.translate(powers) or 0) for digits, power in found]


def test_what_is_printed_adds_up_to_what_score_says(tiny: Path, ngram: Path) -> None:
    said = run("explain", "the cat sees a", "--model", ngram, "--corpus", tiny / "text.txt")
    model = NgramModel.load(ngram)
    scores = model.score([model.tokenizer.encode("the cat sees a").ids])[0]
    *parts, total = shares(said)
    assert len(parts) == 4 and sum(parts) == pytest.approx(total, rel=2e-3)
    assert total == pytest.approx(float(np.exp(scores[-1])), rel=2e-3)
    assert "P(a | cat sees)" in said and "any word alike" in said and " of " in said


def test_train_remembers_the_text_and_explain_counts_in_it(
    tiny: Path, ngram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run("explain", "the cat sees a", "--model", ngram)
    assert said == run("explain", "the cat sees a", "--model", ngram, "--corpus", tiny / "text.txt")
    assert "Seen" in said and "Discount" in said and "--corpus" not in said
    monkeypatch.chdir(tmp_path)  # the text is found from everywhere, and by a path that was relative
    run("train", "ngram", "tiny/text.txt", "--out", "near", "--set", "order=3")
    monkeypatch.chdir(tiny)
    assert run("explain", "the cat sees a", "--model", "../near").split("\n", 1)[1] == said.split("\n", 1)[1]


def test_a_model_of_the_whole_text_is_explained_by_the_whole_text(tiny: Path, tmp_path: Path) -> None:
    words = ("--set", "order=2", "--out", tmp_path / "all")
    run("train", "ngram", tiny / "text.txt", *words, "--all")
    times = (tiny / "text.txt").read_text().count("the cat")
    for more in ((), ("--corpus", tiny / "text.txt")):
        assert f" {times} of " in run("explain", "the cat", "--model", tmp_path / "all", *more)


def test_where_the_text_is_not_known_one_line_says_what_to_add(
    tiny: Path, tmp_path: Path, ngram: Path
) -> None:
    (tmp_path / "other.txt").write_text("a line\n" * 50)
    said = run("explain", "the cat", "--model", ngram, "--corpus", tmp_path / "other.txt")
    assert "Seen" not in said and "3-gram was not trained on other: no counts are shown" in said
    (tiny / "text.txt").write_text((tiny / "text.txt").read_text().replace("cat", "cow"))
    said = run("explain", "the cat", "--model", ngram)
    assert "Seen" not in said and "add --corpus; " in said and "is not the text any more" in said
    (tiny / "text.txt").unlink()
    said = run("explain", "the cat", "--model", ngram)
    assert "Seen" not in said and "add --corpus; " in said and "is not there any more" in said
    (ngram / "corpus.json").unlink()
    said = run("explain", "the cat", "--model", ngram)
    assert "Seen" not in said and "P(cat | <s> the)" in said
    assert "counts and discounts: add --corpus, the text that 3-gram was trained on" in said
    assert "概率从何而来" in run("explain", "the cat", "--model", ngram, "--lang", "zh")


def test_a_model_of_a_file_says_that_its_counts_are_not_known(tmp_path: Path, ngram: Path) -> None:
    run("convert", ngram, tmp_path / "model.arpa")
    run("convert", tmp_path / "model.arpa", tmp_path / "back")
    assert "not known of back, which was read from a file" in run(
        "explain", "the", "--model", tmp_path / "back"
    )


def test_a_cell_of_an_experiment_is_explained_by_its_corpus(tiny: Path, ngram: Path) -> None:
    cell = tiny / "cells" / "3-gram-s1"
    cell.mkdir(parents=True)
    text = (tiny / "experiment.toml").read_text().replace('documents = "blank-line"\n', "")
    (tiny / "experiment.toml").write_text(text)
    ngram.rename(cell / "model")
    (cell / "model" / "corpus.json").unlink()
    for folder in (cell, cell / "model"):
        assert "Seen" in run("explain", "the cat", "--model", folder)


def test_katz_ratios_are_shown_and_a_terminal_of_80_columns_loses_no_digit(
    tiny: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    chances = 1 / np.arange(1, 1500)
    ids = rng.choice(1499, (500, 12), p=chances / chances.sum()).tolist()
    lines = [" ".join(f"international{index}" for index in row) for row in ids]
    (tmp_path / "zipf.txt").write_text("\n".join(lines) + "\n")
    settings = ("--set", 'order=2, smoothing="katz"', "--all", "--out", tmp_path / "katz")
    run("train", "ngram", tmp_path / "zipf.txt", *settings)
    words = ("explain", " ".join(lines[0].split()[:2]), "--model", str(tmp_path / "katz"))
    wide, narrow = (CliRunner().invoke(cli, words, env={"COLUMNS": columns}) for columns in ("240", "80"))
    found = NUMBER.findall(wide.output)
    assert sorted(NUMBER.findall(narrow.output)) == sorted(found) and len(found) > 15
    assert "…" not in narrow.output and re.search(r"×0\.\d{3}", narrow.output)
    assert max(map(len, narrow.output.split("\n"))) <= 80


def test_a_model_that_has_no_tables_is_one_clear_sentence(tiny: Path, tmp_path: Path) -> None:
    run("train", "cache", tiny / "text.txt", "--out", tmp_path / "cache")
    with pytest.raises(InputError, match="none of these has back-off tables: cache"):
        call("explain", "the cat", "--model", tmp_path / "cache")

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


def test_without_the_corpus_there_are_no_counts(tiny: Path, tmp_path: Path, ngram: Path) -> None:
    said = run("explain", "the cat", "--model", ngram)
    assert "Seen" not in said and "P(cat | <s> the)" in said
    (tmp_path / "other.txt").write_text("a line\n" * 50)
    said = run("explain", "the cat", "--model", ngram, "--corpus", tmp_path / "other.txt")
    assert "Seen" not in said and "3-gram was not trained on other: no counts are shown" in said
    assert "概率从何而来" in run("explain", "the cat", "--model", ngram, "--lang", "zh")


def test_a_model_that_has_no_tables_is_one_clear_sentence(tiny: Path, tmp_path: Path) -> None:
    run("train", "cache", tiny / "text.txt", "--out", tmp_path / "cache")
    with pytest.raises(InputError, match="none of these has back-off tables: cache"):
        call("explain", "the cat", "--model", tmp_path / "cache")

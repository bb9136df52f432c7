import re
from pathlib import Path

from click.testing import CliRunner

from lmcompare.__main__ import cli


def run(*words: object) -> str:
    told = [str(word) for word in words]
    result = CliRunner().invoke(cli, told, catch_exceptions=False, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.output


def test_an_unbounded_model_says_where_the_end_of_a_text_was_seen(tiny: Path, tmp_path: Path) -> None:
    run("train", "unbounded", tiny / "text.txt", "--out", tmp_path / "any")
    said = run("explain", "a dog sees a bird here", "--model", tmp_path / "any")
    rows = re.findall(r"(\d+) +([\d,]+) +(\d+) +(\d+) +(\S.*⟦(.*)⟧.*\S)", said)
    assert len(rows) > 1
    text = (tiny / "text.txt").read_text()
    for _, times, _, _, _, end in rows:  # the model has a part of the text
        assert 0 < int(times.replace(",", "")) <= text.count(end)
    assert rows[0][5].endswith("a bird here") and "any: where the end of" in said
    assert " a bird here" in said and "any: how “here” gets its probability" in said
    assert "在哪里出现过" in run("explain", "the cat", "--model", tmp_path / "any", "--lang", "zh")


def test_an_end_that_was_never_seen_has_a_path_down_to_all_words_alike_and_the_sum_is_the_score(
    tiny: Path, tmp_path: Path
) -> None:
    run("train", "unbounded", tiny / "text.txt", "--out", tmp_path / "any")
    said = run("explain", "qq ww zz", "--model", tmp_path / "any")
    assert "The last token is not in the training text." in said and "There it reads" not in said
    orders = re.findall(r"^ +(\d) +(?:P\(<unk>\)|any word alike)", said, re.M)
    assert orders == ["1", "0"] and "P(<unk> |" not in said
    total = re.search(r"sum: the probability +([\d.]+(?:×10\S+)?)\s+([\d.]+) bits", said)
    scored = re.findall(
        r"<unk>\(zz\) +│ +(\S+) +│ +(\S+)", run("score", "qq ww zz", "--model", tmp_path / "any")
    )
    assert total is not None and total.groups() == scored[0]

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lmcompare.__main__ import COMMANDS, cli, main
from lmcompare.models.ngram.model import NgramModel


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and all that was printed by a command that is expected to fail."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    printed = capsys.readouterr()
    code = caught.value.code
    assert isinstance(code, int)
    return code, printed.out + printed.err


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_shows_an_example(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert re.search(rf"^  Example:\n    lmcompare {name}\b", result.output, re.M), result.output


@pytest.mark.parametrize("name", ["list", "show", "add", "fetch"])
def test_the_help_of_every_corpus_command_shows_an_example(name: str) -> None:
    result = CliRunner().invoke(cli, ["corpus", name, "--help"])
    assert result.exit_code == 0
    assert re.search(rf"^  Example:\n    lmcompare corpus {name}\b", result.output, re.M), result.output


def test_commands_that_need_no_neural_model_import_no_torch() -> None:
    code = (
        "import sys, lmcompare; from lmcompare.__main__ import cli; from click.testing import CliRunner\n"
        "for words in (['--help'], ['models'], ['schema'], ['corpus', 'list'], ['models', 'lstm']):\n"
        "    result = CliRunner().invoke(cli, words); assert result.exit_code == 0, (words, result.output)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_schemas_are_json() -> None:
    for what in ("experiment", "results"):
        result = CliRunner().invoke(cli, ["schema", what])
        assert result.exit_code == 0
        assert json.loads(result.output)["properties"]


def test_bad_input_is_one_sentence_and_exit_code_2(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny / "experiment.toml").write_text(
        (tiny / "experiment.toml").read_text().replace("order = 3", "ordre = 3")
    )
    code, text = said(capsys, "run", str(tiny))
    assert code == 2 and "Did you mean 'order'?" in text and "Traceback" not in text
    assert not (tiny / "cells").exists() and not (tiny / "results.json").exists()
    code, text = said(capsys, "score", "a text", "--model", str(tmp_path / "absent"))
    assert code == 2 and "model.json is missing" in text
    code, text = said(capsys, "report", str(tiny))
    assert code == 2 and "there are no results yet" in text
    code, text = said(capsys, "train", "ngram", str(tiny / "absent.txt"), "--out", str(tmp_path / "m"))
    assert code == 2 and "absent.txt" in text


@pytest.fixture
def ngram(tiny: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    arguments = ["train", "ngram", str(tiny / "text.txt"), "--out", str(folder), "--set", "order=3"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder


def test_a_trained_model_scores_predicts_writes_and_keeps_the_laws(ngram: Path) -> None:
    def run(*words: str) -> str:
        result = CliRunner().invoke(cli, list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    assert "perplexity" in run("score", "the cat sees a dog here .", "--model", str(ngram))
    assert "cat" in run("predict", "the", "--model", str(ngram))
    text = run("generate", "the", "--model", str(ngram), "-n", "2", "--tokens", "5")
    assert text.count("the") >= 2
    assert "FAIL" not in run("laws", str(ngram))


def test_what_a_user_should_be_told_of_a_trained_model_stands_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("\n\n".join(f"text {number}" for number in range(20)))
    words = ("train", "ngram", tmp_path / "few.txt", "--out", tmp_path / "m", "--set", "order=2")
    arguments = list(map(str, words))
    lines = CliRunner().invoke(cli, arguments, catch_exceptions=False).output.splitlines()
    notes = NgramModel.load(tmp_path / "m").notes
    assert any("the discounts of order 2 cannot be estimated" in note for note in notes)
    assert lines[-1 - len(notes) : -1] == [f"note: {note}" for note in notes]
    assert lines[-1].startswith("wrote ")


@pytest.mark.parametrize("name", ["weights.safetensors", "tokenizer.json", "model.json", "manifest.json"])
def test_a_missing_or_truncated_file_of_a_model_is_named(
    ngram: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (ngram / name).read_bytes()
    (ngram / name).write_bytes(whole[: len(whole) // 2])
    code, text = said(capsys, "score", "the cat", "--model", str(ngram))
    assert code == 2 and name in text and "Traceback" not in text
    (ngram / name).unlink()
    code, text = said(capsys, "score", "the cat", "--model", str(ngram))
    assert code == 2 and name in text

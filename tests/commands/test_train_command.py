import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from lmcompare.__main__ import cli
from lmcompare.commands.opening import open_model
from lmcompare.errors import InputError
from lmcompare.files import read_json
from lmcompare.models.mixture.linear import LinearMixture
from lmcompare.models.mixture.log_linear import LogLinearMixture

MEMBERS = ("--set", 'members=[{kind="ngram", order=1}, {kind="ngram", order=3}]')


def run(*words: object) -> str:
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def shares(said: str, what: str) -> list[float]:
    line = re.search(rf"^{what}.*: (.*)$", said, re.MULTILINE)
    assert line is not None, said
    return [float(number) for number in re.findall(r"\b\d\.\d{3}\b", line[1])]


def test_a_mixture_ends_with_the_weights_that_it_found(tiny: Path, tmp_path: Path) -> None:
    said = run("train", "mixture", tiny / "text.txt", "--out", tmp_path / "one", *MEMBERS)
    model = open_model(tmp_path / "one")
    assert isinstance(model, LinearMixture)
    assert shares(said, "weights") == pytest.approx(model.weights[0].tolist(), abs=6e-4)
    assert sum(shares(said, "weights")) == pytest.approx(1, abs=2e-3)


def test_weights_by_context_are_told_as_ranges_and_powers_as_powers(tiny: Path, tmp_path: Path) -> None:
    settings = (*MEMBERS, "--set", 'bins=["frequency"]')
    said = run("train", "mixture", tiny / "text.txt", "--out", tmp_path / "bins", *settings)
    model = open_model(tmp_path / "bins")
    assert isinstance(model, LinearMixture) and f"by {len(model.weights)} kinds of context" in said
    ranges = [f(model.weights[:, member]) for member in range(2) for f in (min, max)]
    assert shares(said, "weights") == pytest.approx(ranges, abs=6e-4)
    settings = (*MEMBERS, "--set", "rule=log-linear")
    said = run("train", "mixture", tiny / "text.txt", "--out", tmp_path / "log", *settings)
    powers = open_model(tmp_path / "log")
    assert isinstance(powers, LogLinearMixture)
    assert shares(said, "powers") == pytest.approx(powers.powers.tolist(), abs=6e-4)
    said = run("train", "ngram", tiny / "text.txt", "--out", tmp_path / "n")
    assert not re.search("^(weights|powers)", said, re.MULTILINE)


def test_a_setting_of_another_method_is_refused_and_no_file_is_spoken_of(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="k is a setting of add-k") as told:
        run("train", "ngram", tiny / "text.txt", "--out", tmp_path / "m", "--set", "k=1")
    assert str(told.value).startswith("--set of ngram: k is") and "the file" not in str(told.value)


def test_where_the_text_is_stands_beside_the_model_but_not_that_of_counts(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tiny / "text.txt"
    said = run("train", "ngram", text, "--out", tmp_path / "model")
    found = read_json(tmp_path / "model" / "corpus.json")
    assert (tmp_path / "model" / found["path"]).resolve() == text.resolve()
    assert found["corpus"] == str(text) and found["whole"] is False
    assert re.search(r"trained on the training part, [\d,]+ of [\d,]+ events", said)
    (tiny / "plain").write_text(text.read_text())
    monkeypatch.chdir(tiny)
    run("train", "ngram", "plain", "--out", "of-plain")  # neither its name nor its end says that it is a path
    assert read_json(tiny / "of-plain" / "corpus.json")["path"] == "../plain"
    run("count", text, "--order", 3, "--out", tmp_path / "counts")
    settings = ("--set", f"counts={tmp_path / 'counts'}", "--set", "order=3")
    said = run("train", "ngram", text, "--out", tmp_path / "counted", *settings)
    assert "trained on" not in said and not (tmp_path / "counted" / "corpus.json").exists()


def test_other_kinds_train_on_a_whole_text_too(tiny: Path, tmp_path: Path) -> None:
    for kind in ("unbounded", "cache", "skip"):
        said = run("train", kind, tiny / "text.txt", "--out", tmp_path / kind, "--all")
        assert "trained on the whole text" in said and (tmp_path / kind / "model.json").is_file()


def test_a_network_ends_with_how_fast_it_was_trained(tiny: Path, tmp_path: Path) -> None:
    settings = ("--set", "steps=4", "--set", "width=16", "--set", "precision=float32", "--device", "cpu")
    said = run("train", "lstm", tiny / "text.txt", "--tokenizer", "char", "--out", tmp_path / "m", *settings)
    speed = read_json(tmp_path / "m" / "model.json")["config"]["facts"]["training_speed"]
    told = re.search(
        r"^trained at ([\d,]+) tokens per second \(1 thread, float32\): ([\d.]+)% of", said, re.M
    )
    assert told is not None, said
    assert float(told[1].replace(",", "")) == pytest.approx(float(speed["tokens_per_second"]), rel=1e-3)
    assert float(told[2]) == pytest.approx(100 * float(speed["utilisation"]), abs=0.06)
    assert "1,024 x 1,024 matrix product" in said

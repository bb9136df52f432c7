"""`generate` and `score` with compiled steps and 8-bit weights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from lmcompare.__main__ import cli
from lmcompare.commands.opening import open_model
from lmcompare.errors import InputError

NOUNS, PLACES = ("cat", "dog", "bird"), ("here", "there", "at home")
LINES = [f"the {noun} sees a {other} {place} ." for noun in NOUNS for other in NOUNS for place in PLACES]
TEXT = "\n\n".join("\n".join(LINES[first : first + 3]) for first in range(0, len(LINES), 3)) + "\n"


def said(*words: str) -> str:
    result = CliRunner().invoke(cli, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    (folder / "text.txt").write_text(TEXT)
    small = ["--set", "width=16", "--set", "steps=20", "--set", "batch=4", "--set", "length=8"]
    for kind, settings in (("ngram", ["--set", "order=3"]), ("transformer", small), ("gru", small)):
        words = ["train", kind, str(folder / "text.txt"), "--tokenizer", "char", *settings]
        said(*words, "--out", str(folder / kind))
    return {kind: str(folder / kind) for kind in ("ngram", "transformer", "gru")}


@pytest.mark.parametrize("kind", ["transformer", "gru"])
def test_compiled_steps_write_the_same_texts(folders: dict[str, str], kind: str) -> None:
    words = ["generate", "the ", "--model", folders[kind], "-n", "3", "--tokens", "30", "--seed", "3"]
    plain = said(*words, "--no-compiled")
    assert said(*words, "--compiled") == plain
    assert plain.count("stopped at") == 3


def test_a_few_long_texts_are_written_in_compiled_loops_and_others_are_not(
    folders: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmcompare.models.neural.transformer import TransformerNetwork

    asked: list[bool] = []
    monkeypatch.setattr(TransformerNetwork, "compile_steps", lambda self: asked.append(True))
    monkeypatch.setattr("lmcompare.models.neural.model.MANY_STEPS", 3)
    words = ["generate", "the ", "--model", folders["transformer"]]
    said(*words, "-n", "9", "--tokens", "3")
    said(*words, "-n", "8", "--tokens", "2")
    said(*words, "-n", "8", "--tokens", "3", "--no-compiled")
    assert asked == []
    said(*words, "-n", "8", "--tokens", "3")
    assert asked == [True]


def test_8_bit_weights_write_and_their_price_is_told_beside_the_float_perplexity(
    folders: dict[str, str],
) -> None:
    assert "stopped at" in said("generate", "the ", "--model", folders["gru"], "--int8", "--tokens", "5")
    words = ["score", "the cat sees a dog here .", "--int8"]
    printed = said(*words, "--model", folders["gru"], "--model", folders["ngram"])
    own = re.search(r"^gru: .* perplexity ([\d.]+)$", printed, re.M)
    both = re.search(r"gru, 8-bit weights: perplexity ([\d.]+) \(float: ([\d.]+), [+-]\d\.\d\d%\)", printed)
    assert own and both and both[2] == own[1]
    assert float(both[1]) == pytest.approx(float(both[2]), rel=0.02)
    assert "ngram, 8-bit" not in printed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["generate", "--int8"], "none of these models is a neural network"),
        (["generate", "--compiled"], "none of these models is a neural network"),
        (["generate", "--int8", "--no-compiled"], "Leave --no-compiled out"),
        (["score", "a", "--int8"], "none of these models is a neural network"),
        (["score", "a", "--int8", "--window", "3"], "Leave --window out"),
    ],
)
def test_what_a_model_cannot_do_is_said(folders: dict[str, str], words: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        CliRunner().invoke(cli, [*words, "--model", folders["ngram"]], catch_exceptions=False)


def test_how_a_model_is_opened_is_passed_on(folders: dict[str, str]) -> None:
    from lmcompare.models.neural.model import NeuralModel

    model = open_model(Path(folders["transformer"]), compiled=True)
    assert isinstance(model, NeuralModel) and model.embedding.compiled
    assert open_model(Path(folders["ngram"]), compiled=True, int8=True).kind == "ngram"

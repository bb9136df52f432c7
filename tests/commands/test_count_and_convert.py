from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lmcompare.__main__ import cli
from lmcompare.errors import InputError
from lmcompare.models.ngram.arpa import read_arpa
from lmcompare.models.ngram.model import NgramModel


def call(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)


def run(*words: object) -> str:
    result = call(*words)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.fixture
def ngram(tiny: Path, tmp_path: Path) -> Path:
    run("train", "ngram", tiny / "text.txt", "--out", tmp_path / "model", "--set", "order=3")
    return tmp_path / "model"


def test_a_model_of_counts_that_a_corpus_was_counted_into_is_the_model_of_the_corpus(
    tiny: Path, tmp_path: Path, ngram: Path
) -> None:
    for name, more in (("all.gz", []), ("highest.xz", ["--highest"])):
        said = run("count", tiny / "text.txt", "--order", 3, "--out", tmp_path / name, *more)
        assert "of order 3" in said
        settings = ["--set", f"counts={tmp_path / name}", "--set", "order=3"]
        run("train", "ngram", tiny / "text.txt", "--out", tmp_path / f"of-{name}", *settings)
        one, other = NgramModel.load(ngram), NgramModel.load(tmp_path / f"of-{name}")
        np.testing.assert_array_equal(one.tables.logprobs, other.tables.logprobs)
        np.testing.assert_array_equal(one.tables.backoffs, other.tables.backoffs)
    with pytest.raises(InputError, match="the file exists already"):
        call("count", tiny / "text.txt", "--out", tmp_path / "all.gz")


def test_a_model_goes_to_an_arpa_file_and_back_without_loss(tmp_path: Path, ngram: Path) -> None:
    assert "n-grams" in run("convert", ngram, tmp_path / "model.arpa.gz")
    run("convert", tmp_path / "model.arpa.gz", tmp_path / "back")
    one, other = NgramModel.load(ngram), NgramModel.load(tmp_path / "back")
    lines = ["the cat sees a dog here .", "a bird likes never-seen"]
    scores = [model.score([model.tokenizer.encode_document(lines)])[0] for model in (one, other)]
    np.testing.assert_array_equal(*scores)


def test_a_model_is_pruned_and_quantised_on_the_way(tmp_path: Path, ngram: Path) -> None:
    said = run("convert", ngram, tmp_path / "small", "--entropy-prune", "1e-2", "--quantise")
    whole, small = NgramModel.load(ngram), NgramModel.load(tmp_path / "small")
    before, after = (int(model.tables.levels[-1]) - 1 for model in (whole, small))
    assert 0 < after < before and f"{after:,} of {before:,} n-grams" in said
    assert small.codes is not None and small.settings["entropy_prune"] == 1e-2
    run("convert", ngram, tmp_path / "small.arpa", "--entropy-prune", "1e-2")
    assert int(read_arpa(tmp_path / "small.arpa").tables.levels[-1]) - 1 == after


def test_what_cannot_be_converted_is_one_clear_sentence(tmp_path: Path, ngram: Path) -> None:
    with pytest.raises(InputError, match="the folder exists already"):
        call("convert", ngram, ngram)
    with pytest.raises(InputError, match="an ARPA file holds no eight-bit numbers"):
        call("convert", ngram, tmp_path / "model.arpa.xz", "--quantise")
    with pytest.raises(InputError, match="model.json is missing"):
        call("convert", tmp_path / "absent", tmp_path / "new")
    (tmp_path / "text.arpa").write_text("no model")
    with pytest.raises(InputError, match="not an ARPA file"):
        call("convert", tmp_path / "text.arpa", tmp_path / "new")
    with pytest.raises(InputError, match="Run `lmcompare convert .*text.arpa FOLDER`"):
        call("score", "a text", "--model", tmp_path / "text.arpa")


def test_only_ngram_models_are_converted(tmp_path: Path, tiny: Path) -> None:
    run("train", "cache", tiny / "text.txt", "--out", tmp_path / "cache")
    with pytest.raises(InputError, match="a model of kind 'cache' has no n-gram tables"):
        call("convert", tmp_path / "cache", tmp_path / "model.arpa")

import re
from collections import Counter
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


@pytest.mark.parametrize("name", ["model.lm", "model.lm.gz", "model.ARPA", "model.Arpa.XZ", "model.bz2"])
def test_the_name_of_an_arpa_file_may_be_written_in_any_of_the_usual_ways(
    tmp_path: Path, ngram: Path, name: str
) -> None:
    run("convert", ngram, tmp_path / name)
    assert (tmp_path / name).is_file()
    packed = (tmp_path / name).read_bytes()[:2] != b"\\d"
    assert packed == (name.lower().endswith((".gz", ".xz", ".bz2")))
    np.testing.assert_array_equal(
        read_arpa(tmp_path / name).tables.logprobs, NgramModel.load(ngram).tables.logprobs
    )
    with pytest.raises(InputError, match="Run `lmcompare convert"):
        call("score", "a text", "--model", tmp_path / name)


@pytest.mark.parametrize(
    "name", ["model.arpa.zst", "model.lm.zip", "model.arpa.7z", "model.binary", "model.KLM"]
)
def test_a_file_of_another_form_is_refused_and_no_folder_is_made(
    tmp_path: Path, ngram: Path, name: str
) -> None:
    with pytest.raises(InputError, match="are not written") as told:
        call("convert", ngram, tmp_path / name)
    assert ".arpa" in str(told.value) or ".gz" in str(told.value)
    assert not (tmp_path / name).exists()


def test_what_count_says_is_how_many_lines_it_writes(tiny: Path, tmp_path: Path) -> None:
    for name, more in (("all.txt", []), ("highest.txt", ["--highest"])):
        said = run("count", tiny / "text.txt", "--order", 3, "--out", tmp_path / name, *more)
        lines = (tmp_path / name).read_text().splitlines()
        orders = Counter(len(line.split()) - 1 for line in lines)
        told = {int(n): int(size) for size, n in re.findall(r"(\d+) of order (\d)", said)}
        assert told == orders and ("highest" in name or any(line.startswith("<s>\t") for line in lines))


def test_count_says_which_part_of_a_text_it_counted_and_all_counts_all(tiny: Path, tmp_path: Path) -> None:
    said = run("count", tiny / "text.txt", "--order", 3, "--out", tmp_path / "part.txt")
    part = re.findall(r"the training part (\d+) of (\d+) events", said.replace(",", ""))[0]
    used, events = map(int, part)
    assert "--all" in said and 0 < used < events
    assert events_of(counts_of(tmp_path / "part.txt")) == used
    said = run("count", tiny / "text.txt", "--order", 3, "--out", tmp_path / "whole.txt", "--all")
    found = counts_of(tmp_path / "whole.txt")
    assert f"the whole text, {events:,} events" in said and events_of(found) == events
    lines = [line.split() for line in (tiny / "text.txt").read_text().split("\n") if line]
    padded = [["<s>", *words, "</s>"] for words in lines]
    assert found == Counter(
        " ".join(words[i : i + n]) for words in padded for n in (1, 2, 3) for i in range(len(words) - n + 1)
    )


def counts_of(path: Path) -> dict[str, int]:
    return {gram: int(count) for gram, count in (line.split("\t") for line in path.read_text().splitlines())}


def events_of(counts: dict[str, int]) -> int:
    return sum(count for gram, count in counts.items() if " " not in gram and gram != "<s>")


def test_a_text_of_two_lines_is_refused_with_what_can_be_done_about_it(tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text("one line\nanother line of text\n")
    for words in (("count",), ("train", "ngram")):
        with pytest.raises(InputError, match="cannot be split") as told:
            call(*words, tmp_path / "two.txt", "--out", tmp_path / "out")
        assert "Add --all" in str(told.value) and "documents`" not in str(told.value)
    said = run("count", tmp_path / "two.txt", "--out", tmp_path / "two", "--order", 2, "--all")
    assert "counted the whole text, 8 events" in said
    assert "another line\t1" in (tmp_path / "two").read_text().splitlines()
    said = run("train", "ngram", tmp_path / "two.txt", "--out", tmp_path / "model", "--all")
    assert "trained on the whole text, 8 events" in said
    assert NgramModel.load(tmp_path / "model").settings["events"] == 8


def test_a_model_is_pruned_and_quantised_on_the_way(tmp_path: Path, ngram: Path) -> None:
    said = run("convert", ngram, tmp_path / "small", "--entropy-prune", "1e-2", "--quantise")
    assert "note: quantise = 8 moves log10 p" in said
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

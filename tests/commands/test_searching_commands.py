"""`generate --beam` and `generate --exact`."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from lmcompare.__main__ import cli
from lmcompare.errors import InputError
from lmcompare.models.ngram.options import NgramOptions
from lmcompare.registry import Training, models
from lmcompare.text.tokenizers.char import CharTokenizer

LINES = ["the cat sees a dog .", "the dog sees a bird .", "the bird likes the cat .", "the dog likes a cat ."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("search")
    tokenizer = CharTokenizer(sorted(set("".join(LINES))))
    text = [tokenizer.encode_document(LINES * 5)]
    job = Training(
        options=NgramOptions(order=4), tokenizer=tokenizer, train=text, valid=text, seed=1, folder=where
    )
    models.get("ngram").train(job).save(where / "model")
    return str(where / "model")


def said(folder, *words):
    result = CliRunner().invoke(cli, ["generate", "the ", "--model", folder, *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def bits(text):
    return [float(found) for found in re.findall(r"([0-9.]+) bits", text)]


def test_a_beam_shows_as_many_ends_as_are_asked_for_the_best_first(folder):
    text = said(folder, "--beam", "8", "-n", "3", "--tokens", "40")
    found = bits(text)
    assert len(found) == 3 and found == sorted(found) and "beam 8" in text
    assert text.count("the ") >= 3


def test_exact_search_is_never_worse_than_the_beam_and_says_that_it_is_proven(folder):
    text = said(folder, "--beam", "1", "--exact", "--tokens", "40")
    narrow, best = bits(text)
    assert best <= narrow and "the most probable" in text
    assert bits(said(folder, "--exact", "--tokens", "40")) == [best]


def test_no_end_is_told(folder):
    text = said(folder, "--beam", "2", "--exact", "--tokens", "1")
    assert "no end" in text


def test_a_search_ends_with_the_sentence(folder):
    words = ["generate", "the ", "--model", folder, "--beam", "2", "--through-eos"]
    with pytest.raises(InputError, match="ends with the sentence"):
        CliRunner().invoke(cli, words, catch_exceptions=False)

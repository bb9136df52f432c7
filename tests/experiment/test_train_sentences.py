"""`train_sentences`: a model is trained on the first so many sentences, in a cell of its own."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.evaluation.material import prepare
from lmcompare.experiment.spec import Experiment, parse_experiment
from lmcompare.experiment.store import cell_folder
from lmcompare.experiment.worker import Job, train
from lmcompare.text.corpus import Corpus, Document
from lmcompare.text.encoded import encode_corpus, first_sentences
from lmcompare.text.tokenizers.word import WordTokenizer

TEXT = """
[corpus]
path = "text.txt"
[evaluation.generation]
prompts = 0
[[models]]
name = "2-gram, {train_sentences}"
kind = "ngram"
order = 2
curve = false
grid = { train_sentences = [3, 5] }
[[models]]
name = "whole"
kind = "ngram"
order = 2
curve = false
"""
DOCUMENTS = [Document("a", ("a b", "b")), Document("b", ()), Document("c", ("c a", "a a b", "b c"))]


def corpus(documents: list[Document] = DOCUMENTS) -> Corpus:
    splits = {"train": documents, "valid": DOCUMENTS, "test": DOCUMENTS}
    return Corpus("toy", "Toy", "en", True, "none", splits)


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return parse_experiment(tomllib.loads(TEXT), tmp_path / "experiment.toml")


def test_the_first_sentences_are_whole_and_in_their_documents(tmp_path):
    text = encode_corpus(corpus(), WordTokenizer(["a", "b", "c"]), cache=tmp_path)
    for number in range(1, 6):
        cut, left = [], number
        for document in DOCUMENTS:
            cut.append(document.sentences[:left])
            left -= len(cut[-1])
        wanted = [text.tokenizer.encode_document(lines) for lines in cut if lines]
        found = [ids for ids in first_sentences(text.train, number, text.tokenizer.eos) if len(ids)]
        assert len(found) == len(wanted)
        assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
    with pytest.raises(InputError, match="only 5 sentences to train on, not 6"):
        first_sentences(text.train, 6, text.tokenizer.eos)


def test_a_grid_of_sizes_makes_models_that_say_their_size(experiment):
    first, second, whole = experiment.models
    assert [model.name for model in experiment.models] == ["2-gram, 3", "2-gram, 5", "whole"]
    assert (first.train_sentences, second.train_sentences, whole.train_sentences) == (3, 5, None)
    assert "first 3 sentences" in first.summary() and "sentences" not in whole.summary()
    told = experiment.to_json()["models"]
    assert told[0]["train_sentences"] == 3 and "train_sentences" not in told[2]


def test_each_size_has_a_cell_of_its_own(experiment):
    keys = {cell_folder(experiment, model, 1, "hash", "print").key for model in experiment.models}
    assert len(keys) == 3


def job(experiment: Experiment, place: int, text: Corpus, tokenizer: WordTokenizer) -> Job:
    model, head = experiment.models[place], experiment.head
    folder = cell_folder(experiment, model, 1, text.hash, tokenizer.fingerprint)
    material = prepare(text, head.evaluation)
    return Job(model, 1, 1, text, tokenizer.to_json(), folder, head.evaluation, material)


def test_the_model_is_that_of_the_text_cut_off_there(experiment, tmp_path):
    tokenizer = WordTokenizer(["a", "b", "c"])
    short = corpus([DOCUMENTS[0], Document("c", DOCUMENTS[2].sentences[:1])])
    models = []
    for place, text in ((0, corpus()), (2, short), (2, corpus())):
        encoded = encode_corpus(text, tokenizer, cache=tmp_path / "encoded")
        models.append(train(job(experiment, place, text, tokenizer), encoded, lambda _: None))
    contexts = [np.array([token]) for token in (3, 4, 5)]
    cut, same, whole = (model.next_logprobs(contexts) for model in models)
    assert np.array_equal(cut, same) and not np.array_equal(cut, whole)


def test_more_sentences_than_there_are_is_told_with_the_model(experiment, tmp_path):
    text, tokenizer = corpus(DOCUMENTS[:1]), WordTokenizer(["a", "b", "c"])
    encoded = encode_corpus(text, tokenizer, cache=tmp_path / "encoded")
    with pytest.raises(InputError, match=r"models\[0\].train_sentences \(2-gram, 3\)"):
        train(job(experiment, 0, text, tokenizer), encoded, lambda _: None)


@pytest.mark.parametrize("number", ["0", '"all"', "1.5"])
def test_what_is_no_number_of_sentences_is_refused(number, tmp_path):
    text = TEXT.replace('name = "whole"', f'name = "whole"\ntrain_sentences = {number}')
    with pytest.raises(InputError, match=r"models\[1\].train_sentences"):
        parse_experiment(tomllib.loads(text), tmp_path / "experiment.toml")

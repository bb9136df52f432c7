"""Scores are found again for the very same model and text, and never for another."""

from __future__ import annotations

import importlib
import shutil
import sys

import numpy as np
import pytest

from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.evaluation import signature, source_code
from lmcompare.evaluation.harness import evaluate
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.score_cache import ScoreCache, Scored
from lmcompare.files import new_folder, write_json
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel
from lmcompare.text.encoded import EncodedCorpus
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(resamples=200, generation={"prompts": 0}, windows={"enabled": False})


@pytest.fixture
def saved(make_corpus, encoded, word_tokenizer, tmp_path):
    text = encoded(make_corpus(30), word_tokenizer)
    for order in (2, 3):
        options = NgramOptions(order=order)
        train_ngram(text.train.documents, word_tokenizer, options).save(tmp_path / f"{order}-gram")
    return tmp_path


def cache(folder, model="2-gram", threads=1):
    return ScoreCache.of(folder / "scores", folder / model, threads)


def scored(events=7):
    values = -np.arange(events, dtype=np.float64)
    return Scored(values, values - 1, 1234.5, 99, 0.5)


def test_what_was_put_is_found_bit_for_bit(saved):
    kept = cache(saved)
    kept.put("k", scored())
    found = kept.get("k", 7)
    assert np.array_equal(found.native, scored().native)
    assert np.array_equal(found.matched, scored().matched)
    assert (found.tokens_per_second, found.peak_memory, found.matched_seconds) == (1234.5, 99, 0.5)
    assert found.seconds == pytest.approx(7 / 1234.5)
    same = Scored(scored().native, scored().native, 1.0, 1)
    forgets = Scored(same.native, same.native, 1.0, 1)
    kept.put("k", forgets)
    found = kept.get("k", 7)
    assert found.matched is found.native


def test_nothing_that_moves_a_number_leaves_the_name_as_it_is(
    saved, make_corpus, encoded, word_tokenizer, monkeypatch
):
    text = encoded(make_corpus(30), word_tokenizer)
    here = cache(saved)
    names = {
        "same": here.key(text, "test", None, None),
        "split": here.key(text, "valid", None, None),
        "window": here.key(text, "test", 8, None),
        "stride": here.key(text, "test", 8, 2),
        "text": here.key(encoded(make_corpus(30, seed=1), word_tokenizer), "test", None, None),
        "tokenizer": here.key(encoded(make_corpus(30), WordTokenizer(["a", "b"])), "test", None, None),
        "model": cache(saved, "3-gram").key(text, "test", None, None),
        "threads": cache(saved, threads=2).key(text, "test", None, None),
    }
    again = EncodedCorpus(text.corpus, text.tokenizer, text.train, text.valid, text.valid)
    names["tokens"] = here.key(again, "test", None, None)
    for package in ("numpy", "numba", "torch"):
        with monkeypatch.context() as patch:
            told = {package: "0.0.0"}
            patch.setattr(signature, "version", lambda name, told=told: told.get(name, "1"))
            names[package] = cache(saved).key(text, "test", None, None)
    with monkeypatch.context() as patch:
        patch.setattr(source_code, "own_code", lambda: "edited")
        names["code"] = cache(saved).key(text, "test", None, None)
    assert len(set(names.values())) == len(names)
    shutil.copytree(saved / "2-gram", saved / "copy")
    assert cache(saved, "copy").key(text, "test", None, None) == names["same"]


@pytest.mark.parametrize("place", ["model.json", "member-0/model.json"])
def test_an_edited_plug_in_finds_no_old_scores_of_its_models(tmp_path, monkeypatch, place):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "plugged_family", raising=False)
    file = tmp_path / "plugged_family.py"
    source = "from lmcompare.models.ngram.family import NgramFamily\n"
    source += "class Plugged(NgramFamily):\n    name = 'plugged'\n"
    file.write_text(source)
    family = importlib.import_module("plugged_family").Plugged()
    monkeypatch.setitem(registry.models._entries, "plugged", family)
    with new_folder(tmp_path / "m") as folder:
        write_json(folder / "model.json", {"kind": "mixture"})
        write_json(folder / place, {"kind": "plugged"})
    with new_folder(tmp_path / "other") as folder:
        write_json(folder / "model.json", {"kind": "ngram"})
    names = []
    for text in (source, source + "SCALE = 2\n", source):
        file.write_text(text)
        source_code.package_code.cache_clear()
        names.append((cache(tmp_path, "m").model, cache(tmp_path, "other").model))
    assert names[0] == names[2]
    assert names[0][0] != names[1][0] and names[0][1] == names[1][1]


def test_a_changed_byte_of_the_model_is_refused(saved):
    weights = saved / "2-gram" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(InputError, match="damaged"):
        cache(saved)


@pytest.mark.parametrize("file", ["scores.npz", "facts.json", "manifest.json"])
def test_what_is_damaged_is_not_found(saved, file):
    kept = cache(saved)
    kept.put("k", scored())
    path = saved / "scores" / "k" / file
    path.write_bytes(path.read_bytes()[:-3])
    assert kept.get("k", 7) is None
    kept.put("k", scored())
    assert kept.get("k", 8) is None  # of another text
    assert kept.get("absent", 7) is None


def test_an_evaluation_with_other_options_does_not_score_again(
    saved, make_corpus, encoded, word_tokenizer, monkeypatch
):
    corpus = make_corpus(30)
    text = encoded(corpus, word_tokenizer)
    model = NgramModel.load(saved / "2-gram")
    calls = []
    original = NgramModel.score

    def counted(self, documents):
        calls.append(len(documents))
        return original(self, documents)

    monkeypatch.setattr(NgramModel, "score", counted)

    def run(**changes):
        options = OPTIONS.model_copy(update=changes)
        given = {"name": "m", "seed": 1, "cache": cache(saved)}
        return evaluate(model, text, options, prepare(corpus, options), **given)

    first, one = run()
    second, two = run(resamples=300)
    assert calls.count(30) == 2  # valid and test, once; other texts are shorter
    assert np.array_equal(one.logprobs["test", "native"], two.logprobs["test", "native"])
    assert first.cost.score_tokens_per_second == second.cost.score_tokens_per_second

"""`lmcompare.evaluate` and `lmcompare.compare`: the harness's own numbers, as plain values."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import lmcompare
from lmcompare.errors import InputError
from lmcompare.evaluation import per_token, source_code
from lmcompare.evaluation.harness import evaluate as harness_evaluate
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.files import MANIFEST, digest, read_json
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel

OPTIONS = EvaluationOptions(
    splits=["test"], resamples=500, generation={"prompts": 0}, windows={"enabled": False}
)


@pytest.fixture
def corpus(make_corpus):
    return make_corpus(30)


@pytest.fixture
def models(corpus, encoded, word_tokenizer):
    text = encoded(corpus, word_tokenizer)
    return {
        f"{order}-gram": train_ngram(text.train.documents, word_tokenizer, NgramOptions(order=order))
        for order in (1, 2, 3)
    }


def test_the_numbers_are_those_of_the_harness(models, corpus, encoded, word_tokenizer):
    found = lmcompare.evaluate(models["3-gram"], corpus, resamples=500)
    text = encoded(corpus, word_tokenizer)
    cell, scores = harness_evaluate(
        models["3-gram"], text, OPTIONS, prepare(corpus, OPTIONS), name="3-gram", seed=1
    )
    assert found.splits == cell.splits
    assert np.array_equal(found.scores.logprobs["test", "native"], scores.logprobs["test", "native"])
    assert json.loads(json.dumps(found.to_dict()))["test"]["native"]["perplexity"] == pytest.approx(
        cell.splits["test"]["native"].perplexity
    )
    frame = found.to_dataframe()
    assert frame.loc[("test", "matched"), "events"] == cell.splits["test"]["matched"].events


def test_a_saved_model_is_scored_once(models, corpus, tmp_path, monkeypatch):
    models["2-gram"].save(tmp_path / "m")
    first = lmcompare.evaluate(tmp_path / "m", corpus, resamples=200)
    monkeypatch.setattr(NgramModel, "score", lambda self, documents: pytest.fail("scored again"))
    again = lmcompare.evaluate(str(tmp_path / "m"), corpus, resamples=200)
    assert again.splits == first.splits
    assert again.cost == first.cost
    with pytest.raises(pytest.fail.Exception):
        lmcompare.evaluate(tmp_path / "m", corpus, splits=["valid"], resamples=200)


def test_models_are_set_against_each_other(models, corpus):
    evaluations = {name: lmcompare.evaluate(model, corpus, resamples=300) for name, model in models.items()}
    found = lmcompare.compare(evaluations)
    native = [pair for pair in found.pairs if pair.policy == "native"]
    assert [(pair.a, pair.b) for pair in native] == [
        ("1-gram", "2-gram"),
        ("1-gram", "3-gram"),
        ("2-gram", "3-gram"),
    ]
    bits = {name: each.splits["test"]["native"].bits_per_token for name, each in evaluations.items()}
    for pair in native:
        assert pair.delta_bits_per_token == pytest.approx(bits[pair.a] - bits[pair.b])
    assert found.ranking.order == sorted(bits, key=bits.__getitem__)
    assert len(found.to_dataframe()) == len(found.pairs)
    assert json.loads(json.dumps(found.to_dict()))["ranking"]["order"] == found.ranking.order


def test_windows_that_move_otherwise_are_not_compared(models, corpus):
    half, told, other = (
        lmcompare.evaluate(models[name], corpus, resamples=200, window=4, stride=stride)
        for name, stride in (("1-gram", None), ("2-gram", 2), ("3-gram", 3))
    )
    assert lmcompare.compare({"a": half, "b": told}).pairs
    with pytest.raises(InputError, match=r"differ in stride \(2 and 3\)"):
        lmcompare.compare({"a": half, "c": other})


def test_a_signature_says_what_was_evaluated_and_how(models, corpus, tmp_path, encoded):
    found = {name: lmcompare.evaluate(model, corpus, resamples=200) for name, model in models.items()}
    parts = {name: each.signature.parts for name, each in found.items()}
    assert parts["1-gram"]["corpus"].endswith(f"#{corpus.hash[:12]}")
    assert (parts["3-gram"]["window"], parts["3-gram"]["context"]) == ("own", "2-sentence")
    assert {"numpy", "lmcompare", "code", "threads"} <= parts["1-gram"].keys()
    differ = {name for name in parts["1-gram"] if parts["1-gram"][name] != parts["2-gram"][name]}
    assert differ == {"model", "context"}
    models["2-gram"].save(tmp_path / "m")
    saved = lmcompare.evaluate(tmp_path / "m", corpus, resamples=200).signature.parts["model"]
    assert saved == f"ngram#{digest(read_json(tmp_path / 'm' / MANIFEST))[:12]}"
    joined = lmcompare.compare(found)
    assert joined.signature.parts["models"].startswith("3#") and "model" not in joined.signature.parts
    assert (
        joined.to_dict()["signature"] == joined.signature.long() == joined.to_dataframe().attrs["signature"]
    )
    one = found["1-gram"]
    assert one.to_dict()["signature"] == one.signature.long() == one.to_dataframe().attrs["signature"]


def test_edited_code_scores_a_saved_model_again(models, corpus, tmp_path, monkeypatch):
    models["2-gram"].save(tmp_path / "m")
    lmcompare.evaluate(tmp_path / "m", corpus, resamples=200)
    monkeypatch.setattr(source_code, "own_code", lambda: "edited")
    monkeypatch.setattr(NgramModel, "score", lambda self, documents: pytest.fail("scored again"))
    with pytest.raises(pytest.fail.Exception):
        lmcompare.evaluate(tmp_path / "m", corpus, resamples=200)


def test_what_cannot_be_compared_is_refused(models, corpus, make_corpus):
    one = lmcompare.evaluate(models["1-gram"], corpus, resamples=200)
    with pytest.raises(InputError, match="one model alone"):
        lmcompare.compare({"a": one})
    other = lmcompare.evaluate(models["1-gram"], make_corpus(30, seed=5), resamples=200)
    with pytest.raises(InputError, match="different texts"):
        lmcompare.compare({"a": one, "b": other})
    valid = lmcompare.evaluate(models["1-gram"], corpus, splits=["valid"], resamples=200)
    with pytest.raises(InputError, match="different splits"):
        lmcompare.compare({"a": one, "b": valid})
    for given, told in (
        ({"window": 4}, r"window \(own and 4\), stride \(own and 2\)"),
        ({"resamples": 300}, r"resamples \(200 and 300\)"),
        ({"seed": 1}, r"resampled \(0 and 1\)"),
    ):
        unlike = lmcompare.evaluate(models["2-gram"], corpus, **{"resamples": 200} | given)
        with pytest.raises(InputError, match=f"'a' and 'b' were not evaluated alike; they differ in {told}"):
            lmcompare.compare({"a": one, "b": unlike})
    with pytest.raises(InputError, match="there is no such folder"):
        lmcompare.evaluate("nowhere", corpus)


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_a_row_a_token_says_what_stands_where(models, corpus, tmp_path, suffix):
    found = lmcompare.evaluate(models["2-gram"], corpus, resamples=200)
    path = tmp_path / f"tokens{suffix}"
    found.write_tokens(path)
    if suffix == ".parquet":
        import pyarrow.parquet as parquet

        table = parquet.read_table(path).to_pydict()
    else:
        with np.load(path, allow_pickle=False) as arrays:
            table = {name: arrays[name].tolist() for name in arrays.files}
    rows = list(zip(*(table[key] for key in ("document", "sentence", "position", "token")), strict=True))
    wanted = []
    number = 0
    for place, document in enumerate(corpus.splits["test"]):
        for sentence in document.sentences:
            words = [*sentence.split(), "</s>"]
            wanted += [(place, number, position, word) for position, word in enumerate(words, 1)]
            number += 1
    assert rows == wanted
    assert table["logprob"] == found.scores.logprobs["test", "native"].tolist()


def test_a_table_of_another_kind_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"written as \.parquet or \.npz, not as \.xlsx"):
        per_token.write(tmp_path / "a.xlsx", {"a": np.zeros(1)})
    assert not list(tmp_path.iterdir())


def test_importing_the_package_imports_neither_torch_nor_the_harness():
    code = (
        "import sys, lmcompare; assert lmcompare.__version__;"
        "assert 'torch' not in sys.modules and 'lmcompare.evaluation' not in sys.modules;"
        "lmcompare.evaluate, lmcompare.compare; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

from pathlib import Path

import numpy as np
import pytest

from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.interface import Tokenizer
from lmcompare.laws import check
from lmcompare.models.ngram.classes import CLASS, ClassModel, ClassOptions, shares
from lmcompare.registry import Training
from lmcompare.text.tokenizers import TokenizerOptions, build
from lmcompare.text.tokenizers.word import WordTokenizer

WORDS = WordTokenizer([f"w{number}" for number in range(12)])


def some_text(lengths: list[int], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    documents = []
    for length in lengths:
        document = 3 + 2 * rng.integers(0, 5, size=length) + np.arange(length) % 2
        document[rng.random(length) < 0.12] = 1
        document[-1] = 1
        documents.append(document)
    return documents


def trained(tmp_path: Path, tokenizer: Tokenizer = WORDS, text=None, **settings) -> ClassModel:
    options = ClassOptions(**({"classes": 3, "order": 3, "rounds": 5} | settings))
    text = some_text([200, 300, 150]) if text is None else text
    return CLASS.train(Training(options, tokenizer, text, some_text([50], 5), 1, tmp_path))


def test_every_law_holds(tmp_path) -> None:
    results = check(trained(tmp_path), tolerance=1e-6, retrain=lambda: trained(tmp_path))
    assert [result for result in results if result.passed is False] == []
    assert all(result.passed for result in results)


def test_a_probability_is_that_of_the_class_times_that_within_it(tmp_path) -> None:
    model = trained(tmp_path)
    document = some_text([40], seed=3)[0]
    classes = model.ngram.score([model.classes[document]])[0]
    counts = np.bincount(np.concatenate(some_text([200, 300, 150])), minlength=WORDS.size)
    scores = model.score([document])[0]
    for place, token in enumerate(document):
        members = np.flatnonzero(model.classes == model.classes[token])
        inside = counts[token] / counts[members].sum()
        assert scores[place] == pytest.approx(classes[place] + np.log(inside), abs=1e-12)


def test_words_of_alternate_places_are_told_apart_with_two_classes(tmp_path) -> None:
    model = trained(tmp_path, classes=2, rounds=20)
    assert len(set(model.classes[3:13:2])) == len(set(model.classes[4:13:2])) == 1
    assert model.classes[3] != model.classes[4]


def test_ids_that_the_text_lacks_share_a_class_evenly() -> None:
    counts, classes = np.array([0, 4, 0, 3, 1, 0]), np.array([0, 1, 2, 3, 3, 2])
    expected = [0, 1, 0.5, 0.75, 0.25, 0.5]
    np.testing.assert_allclose(np.exp(shares(counts, classes, 0)), expected)


def test_where_every_id_was_seen_no_probability_is_lost(tmp_path) -> None:
    letters = build(TokenizerOptions(kind="byte"), ["x"])
    every = np.concatenate([np.delete(np.arange(letters.size), letters.bos)] * 3)
    model = trained(tmp_path, letters, [every], classes=4)
    np.testing.assert_allclose(np.exp(model.start(1)[0]).sum(), 1, atol=1e-6)
    np.testing.assert_allclose(np.exp(model.next_logprobs([every[:5]])).sum(), 1, atol=1e-6)


def test_the_model_over_classes_is_a_model_of_its_own_in_the_folder(tmp_path) -> None:
    model = trained(tmp_path)
    model.save(tmp_path / "model")
    inside = registry.models.get("ngram").load(tmp_path / "model" / "member-0")
    document = model.classes[some_text([30], 4)[0]]
    np.testing.assert_array_equal(inside.score([document])[0], model.ngram.score([document])[0])
    assert model.matched_order([some_text([30], 4)[0]])[0].max() == 3
    assert not (tmp_path / "curve.jsonl").exists()


def test_classes_that_do_not_fit_are_refused(tmp_path) -> None:
    model = trained(tmp_path)
    with pytest.raises(InputError, match="not those of this tokenizer"):
        ClassModel(WordTokenizer(["a"]), model.classes, model.inside, model.ngram)

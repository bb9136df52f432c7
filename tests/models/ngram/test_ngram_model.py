from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_texts import PRUNING, TEXTS, document, from_seed, random_contexts, word_tokenizer

from lmcompare import files, laws
from lmcompare.errors import InputError
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel
from lmcompare.text.tokenizers import TokenizerOptions, build

LINES = [" ".join(words) for seed in (2, 5, 9) for words in from_seed(seed)]
KINDS = {
    "char": TokenizerOptions(kind="char"),
    "word": TokenizerOptions(kind="word", max_size=9),
    "byte": TokenizerOptions(kind="byte"),
}


def trained(kind: str = "word", order: int = 3, **options: object) -> NgramModel:
    tokenizer = build(KINDS[kind], LINES)
    return train_ngram(
        [tokenizer.encode_document(LINES)],
        tokenizer,
        NgramOptions(order=order, **options),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_every_law_holds(kind: str, order: int) -> None:
    model = trained(kind, order)
    results = laws.check(model, tolerance=1e-5, retrain=lambda: trained(kind, order))
    assert [(result.law, result.note) for result in results if not result.passed] == []
    assert len(results) == 11
    assert model.context == order - 1


def test_every_law_holds_for_a_pruned_model_without_unigram_interpolation() -> None:
    options = {"prune": [0, 0, 1], "interpolate_unigrams": False}
    results = laws.check(
        trained(order=4, **options), tolerance=1e-5, retrain=lambda: trained(order=4, **options)
    )
    assert [(result.law, result.note) for result in results if not result.passed] == []


@given(TEXTS, st.integers(1, 5), PRUNING, st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_score_next_logprobs_and_steps_agree_to_the_bit(
    sentences: list[list[str]], order: int, prune: list[int] | None, seed: int
) -> None:
    tokenizer = word_tokenizer(sentences)
    options = NgramOptions(order=order, prune=prune[:order] if prune else None)
    model = train_ngram([document(tokenizer, sentences)], tokenizer, options)
    text = np.concatenate(random_contexts(tokenizer, 5, seed) + [np.array([tokenizer.eos])]).astype(int)
    rows = model.next_logprobs([text[:k] for k in range(len(text))])
    np.testing.assert_array_equal(model.score([text])[0], rows[np.arange(len(text)), text])
    logprobs, state = model.start(1)
    for token, row in zip(text, rows, strict=True):
        np.testing.assert_array_equal(logprobs[0], row)
        logprobs, state = model.step(np.array([token]), state)


def test_the_matched_order_is_the_length_of_the_longest_ngram_that_was_seen() -> None:
    lines = ["a b c d", "b c a"]
    tokenizer = build(TokenizerOptions(kind="word"), lines)
    model = train_ngram([tokenizer.encode_document(lines)], tokenizer, NgramOptions(order=3))
    text = tokenizer.encode_document(["a b c a c c", "d e a"])
    #                a  b  c  a  c  c eos  d  e  a eos
    expected = [[2, 3, 3, 3, 1, 1, 1, 1, 1, 1, 2]]
    np.testing.assert_array_equal(model.matched_order([text]), expected)


def test_special_signs_in_the_text_are_words_like_any_other() -> None:
    sentences = [["<s>", "a", "</s>", "b"], ["<unk>", "a"], ["a", "<unk>", "<s>"]] * 3
    renamed = [[{"<s>": "x", "</s>": "y", "<unk>": "z"}.get(word, word) for word in s] for s in sentences]
    scores = []
    for text in (sentences, renamed):
        tokenizer = word_tokenizer(text)
        ids = document(tokenizer, text)
        assert tokenizer.bos not in ids and tokenizer.unk not in ids
        assert np.count_nonzero(ids == tokenizer.eos) == len(text)
        scores.append(train_ngram([ids], tokenizer, NgramOptions(order=3)).score([ids])[0])
    np.testing.assert_array_equal(*scores)


def test_ids_may_come_as_any_integers_and_documents_may_be_empty(tmp_path: Path) -> None:
    model = trained()
    text = model.tokenizer.encode_document(LINES[:5])
    expected = model.score([text])[0]
    np.save(tmp_path / "ids.npy", text.astype(np.uint8))
    for ids in (text.astype(np.uint16), text.astype(np.int64), np.load(tmp_path / "ids.npy", mmap_mode="r")):
        np.testing.assert_array_equal(model.score([ids])[0], expected)
    empty = np.zeros(0, dtype=np.int32)
    scores = model.score([empty, text, empty])
    assert [len(row) for row in scores] == [0, len(text), 0]
    np.testing.assert_array_equal(scores[1], expected)
    assert model.score([]) == [] and model.matched_order([]) == []
    assert model.next_logprobs([]).shape == (0, model.tokenizer.size)


@pytest.mark.parametrize("wrong", [-1, 9, 2**32 + 5])
def test_an_id_that_the_model_does_not_have_is_one_clear_sentence(wrong: int) -> None:
    model = trained()
    ids = np.array([3, wrong, 1])
    for ask in (
        lambda: model.score([ids]),
        lambda: model.matched_order([ids]),
        lambda: model.next_logprobs([ids[:2]]),
        lambda: model.step(ids[1:2], model.start(1)[1]),
    ):
        with pytest.raises(InputError, match=f"there is no id {wrong}: the model has ids 0 to 8"):
            ask()


def test_a_tokenizer_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="the tokenizer has 258 ids, the n-gram tables have 9"):
        NgramModel(build(KINDS["byte"], []), trained().tables)


def test_settings_and_notes_come_back_from_a_folder(tmp_path: Path) -> None:
    model = trained()
    model.notes.append("a note")
    model.save(tmp_path / "model")
    again = NgramModel.load(tmp_path / "model")
    assert again.notes == model.notes
    assert again.order == model.order and again.parameters == model.parameters
    assert again.settings["events"] == model.settings["events"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("suffixes"), "weights.safetensors lacks suffixes"),
        (lambda arrays: arrays["suffixes"].fill(2**15), "weights.safetensors is damaged: an ending"),
        (lambda arrays: arrays["children"].fill(0), "weights.safetensors is damaged: the children"),
    ],
)
def test_a_folder_whose_arrays_are_no_tables_is_one_clear_sentence(
    tmp_path: Path, change: object, message: str
) -> None:
    trained().save(tmp_path / "model")
    saved = files.load_model(tmp_path / "model", "ngram")
    arrays = {
        name: array.astype(np.int64) if array.dtype.kind == "u" else array
        for name, array in saved.arrays.items()
    }
    change(arrays)  # type: ignore[operator]
    files.save_model(tmp_path / "bad", "ngram", saved.config, arrays, saved.tokenizer)
    with pytest.raises(InputError, match=message):
        NgramModel.load(tmp_path / "bad")

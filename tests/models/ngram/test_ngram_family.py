import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from tiny_texts import from_seed

from lmcompare import laws
from lmcompare.errors import InputError
from lmcompare.experiment.spec import read_experiment
from lmcompare.models.ngram.family import NGRAM, NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.tables import is_compiled
from lmcompare.registry import Progress, Training, models
from lmcompare.text.tokenizers import TokenizerOptions, build

LINES = [" ".join(words) for seed in (2, 5, 9) for words in from_seed(seed)]
TOKENIZER = build(TokenizerOptions(kind="word"), LINES)


def job(folder: Path, options: NgramOptions, **changes: object) -> Training:
    documents = [TOKENIZER.encode_document(LINES[:80]), TOKENIZER.encode_document(LINES[80:])]
    parts = {"train": documents, "valid": [TOKENIZER.encode_document(LINES[::7])], **changes}
    return Training(options=options, tokenizer=TOKENIZER, seed=1, folder=folder, **parts)  # type: ignore[arg-type]


def test_the_registry_knows_the_family() -> None:
    assert models.get("ngram") is NGRAM


def test_training_gives_the_model_of_the_whole_text_whatever_the_curve(tmp_path: Path) -> None:
    options = NgramOptions(order=3)
    model = NGRAM.train(job(tmp_path, options))
    work = job(tmp_path, options)
    alone = train_ngram(work.train, TOKENIZER, options)
    np.testing.assert_array_equal(model.tables.logprobs, alone.tables.logprobs)
    np.testing.assert_array_equal(model.tables.backoffs, alone.tables.backoffs)


def test_the_curve_has_the_valid_bits_of_models_of_more_and_more_text(tmp_path: Path) -> None:
    seen: list[Progress] = []
    work = job(tmp_path, NgramOptions(order=2), progress=seen.append)
    model = NGRAM.train(work)
    points = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    events = sum(map(len, work.train))
    tokens = [point["tokens"] for point in points]
    assert tokens[-1] == events and len(tokens) == 4
    for part, held in zip((1 / 8, 1 / 4, 1 / 2), tokens, strict=False):
        assert part * events - 1 <= held < part * events + 9  # whole sentences: none has more than 8 events
    bits = -np.concatenate(model.score(work.valid)).mean() / np.log(2)
    assert points[-1]["valid_bits_per_token"] == pytest.approx(bits, rel=1e-12)
    assert (seen[0].done, seen[-1].done) == (0.0, seen[-1].total)
    assert f"valid ppl {2**bits:.1f}" in seen[-1].note


@pytest.mark.parametrize("compiled", [False, True])
def test_compiling_is_shown_where_it_is_still_to_be_done(
    compiled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lmcompare.models.ngram.family.is_compiled", lambda: compiled)
    seen: list[Progress] = []
    NGRAM.train(job(tmp_path, NgramOptions(order=2, curve=False), progress=seen.append))
    assert ("compiling, once" in [progress.stage for progress in seen]) is not compiled
    assert is_compiled()  # a text was scored


def test_without_a_curve_or_without_valid_text_there_is_less_to_write(tmp_path: Path) -> None:
    NGRAM.train(job(tmp_path, NgramOptions(order=2, curve=False)))
    assert len((tmp_path / "curve.jsonl").read_text().splitlines()) == 1
    (tmp_path / "none").mkdir()
    NGRAM.train(job(tmp_path / "none", NgramOptions(order=2), valid=[]))
    assert not (tmp_path / "none" / "curve.jsonl").exists()


def test_a_saved_model_is_loaded_by_the_family(tmp_path: Path) -> None:
    model = NGRAM.train(job(tmp_path, NgramOptions(order=3)))
    model.save(tmp_path / "model")
    again = NGRAM.load(tmp_path / "model")
    assert isinstance(again, NgramModel)
    text = TOKENIZER.encode_document(LINES[:9])
    np.testing.assert_array_equal(again.score([text])[0], model.score([text])[0])


def test_an_order_that_no_sentence_is_long_enough_for_changes_no_probability(tmp_path: Path) -> None:
    lines = ["a", "b", "a", "c"]
    tokenizer = build(TokenizerOptions(kind="word"), lines)
    text = tokenizer.encode_document(lines)
    short, long = (train_ngram([text], tokenizer, NgramOptions(order=order)) for order in (3, 8))
    np.testing.assert_allclose(
        long.next_logprobs([text[:1], text[:2]]), short.next_logprobs([text[:1], text[:2]])
    )


def test_empty_text_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the training text is empty"):
        NGRAM.train(job(tmp_path, NgramOptions(), train=[np.zeros(0, dtype=np.int32)]))


WRONG = [
    ("order = 0", "order.* must be from 1 to 8, not 0"),
    ("order = 9", "order.* must be from 1 to 8, not 9"),
    ("prune = [1]", r"prune must start with 0 and never fall, as \[0, 0, 1\] does, not \[1\]"),
    ("prune = [0, 2, 1]", "prune must start with 0 and never fall"),
    ("order = 2\nprune = [0, 0, 1]", "prune has 3 numbers, more than the order, 2"),
]


@pytest.mark.parametrize(("line", "message"), WRONG)
def test_a_wrong_option_is_one_clear_sentence_with_its_place(tiny: Path, line: str, message: str) -> None:
    file = tiny / "experiment.toml"
    file.write_text(file.read_text().replace("order = 3", line, 1))
    with pytest.raises(InputError, match=message) as caught:
        read_experiment(file)
    assert "models" in str(caught.value)


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        NgramOptions.model_validate({"ordr": 3})


def test_a_pruned_and_quantised_model_says_what_that_took_and_keeps_its_curve(tmp_path: Path) -> None:
    options = NgramOptions(order=3, entropy_prune=1e-3, quantise=8)
    work = job(tmp_path, options)
    model = NGRAM.train(work)
    whole = train_ngram(work.train, TOKENIZER, NgramOptions(order=3))
    sizes = [int(each.tables.levels[-1]) - 1 for each in (model, whole)]
    assert sizes[0] < sizes[1]
    kept, _, loss = model.notes[-3:]
    assert kept == f"entropy_prune = 0.001 keeps {sizes[0]:,} of {sizes[1]:,} n-grams"
    full = train_ngram(work.train, TOKENIZER, NgramOptions(order=3, entropy_prune=1e-3))
    before, after = (np.exp(-np.concatenate(each.score(work.valid)).mean()) for each in (full, model))
    assert loss == (
        f"quantise = 8 changes the perplexity of the validation text from {before:.2f} to {after:.2f}"
    )
    alone = train_ngram(work.train, TOKENIZER, options, work.valid)
    np.testing.assert_array_equal(model.tables.logprobs, alone.tables.logprobs)
    assert alone.notes == model.notes
    points = (tmp_path / "curve.jsonl").read_text().splitlines()
    assert len(points) == 4
    assert 2 ** json.loads(points[-1])["valid_bits_per_token"] == pytest.approx(after)


def test_words_beyond_the_limits_of_the_vocabulary_are_counted_as_one_word() -> None:
    words = [word for line in LINES for word in line.split()]
    common = {word for word in words if words.count(word) >= 4}
    rare = [" ".join(word if word in common else "rare" for word in line.split()) for line in LINES]
    tokenizer = build(TokenizerOptions(kind="word", min_count=4), LINES)
    assert 3 < len(common) < len(set(words)) and tokenizer.size == len(common) + 3
    scores = []
    for space, lines in ((tokenizer, LINES), (build(TokenizerOptions(kind="word"), rare), rare)):
        ids = space.encode_document(lines)
        model = train_ngram([ids], space, NgramOptions(order=3, smoothing="mle"))
        scores.append(model.score([ids])[0])
    np.testing.assert_array_equal(*scores)


def test_every_law_holds_where_the_vocabulary_is_limited() -> None:
    tokenizer = build(TokenizerOptions(kind="word", max_size=6), LINES)
    model = train_ngram([tokenizer.encode_document(LINES)], tokenizer, NgramOptions(order=3))
    assert model.tables.size == 6
    assert [result.law for result in laws.check(model) if result.passed is False] == []

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kneser_ney_oracle import Oracle
from pydantic import ValidationError
from scipy.optimize import approx_fprime
from tiny_texts import SMALL, TEXTS, document, from_seed, random_contexts, sentence_ids, word_tokenizer

from lmcompare import files, laws
from lmcompare.errors import InputError
from lmcompare.interface import Ids, Policy, Tokenizer
from lmcompare.models.ngram import unbounded_kernels
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.unbounded import UnboundedModel
from lmcompare.models.ngram.unbounded_family import (
    PULL,
    UNBOUNDED,
    UnboundedOptions,
    textbook,
    train_unbounded,
)
from lmcompare.registry import Progress, Training, models
from lmcompare.text.tokenizers import TokenizerOptions, build

LINES = [" ".join(words) for seed in (2, 5, 9) for words in from_seed(seed)]
POLICIES = st.sampled_from(["sentence", "document"])
WIKITEXT = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "wikitext-2"


def trained(kind: str = "word", parts: int = 3, **options: object) -> UnboundedModel:
    """Trained on lines as several documents, with discounts tuned on some of the lines."""
    tokenizer = build(TokenizerOptions(kind=kind), LINES)  # type: ignore[arg-type]
    documents = [tokenizer.encode_document(LINES[part::parts]) for part in range(parts)]
    valid = [tokenizer.encode_document(LINES[::7])]
    return train_unbounded(documents, tokenizer, UnboundedOptions(**options), valid)  # type: ignore[arg-type]


def textbook_model(documents: list[Ids], tokenizer: Tokenizer, **options: object) -> UnboundedModel:
    options = {"discounts": "textbook", "orders": 40, **options}
    return train_unbounded(documents, tokenizer, UnboundedOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["char", "word", "byte"])
@pytest.mark.parametrize("policy", ["sentence", "document"])
@pytest.mark.parametrize("order", [None, 1, 4])
def test_every_law_holds(kind: str, policy: str, order: int | None) -> None:
    options = {"kind": kind, "policy": policy, "order": order}
    model = trained(**options)
    results = laws.check(model, tolerance=1e-9, retrain=lambda: trained(**options))
    unchecked = [result for result in results if result.passed is None]
    assert [(result.law, result.note) for result in results if result.passed is False] == []
    # Nothing lies beyond what a model sees that forgets nothing; all else was checked.
    assert len(unchecked) == (policy == "document" and order is None)
    assert model.context == (None if order is None else order - 1)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.sampled_from([None, 1, 2, 3, 5]), st.integers(0, 99))
def test_every_probability_is_that_of_the_definition(
    sentences: list[list[str]], order: int | None, seed: int
) -> None:
    tokenizer = word_tokenizer(sentences)
    model = textbook_model([document(tokenizer, sentences)], tokenizer, order=order)
    longest = max(map(len, sentences)) + 2
    referee = Oracle(
        sentence_ids(tokenizer, sentences),
        order=order or longest,
        size=tokenizer.size,
        bos=tokenizer.bos,
        eos=tokenizer.eos,
        unk=tokenizer.unk,
    )
    contexts = random_contexts(tokenizer, 3, seed) + [document(tokenizer, sentences[:2])[:-1]]
    for context, row in zip(contexts, model.next_logprobs(contexts), strict=True):
        ends = np.flatnonzero(context == tokenizer.eos)
        near = context[ends[-1] + 1 :] if len(ends) else context
        history = (tokenizer.bos, *near.tolist())
        expected = [referee.probability(word, history) for word in range(tokenizer.size)]
        np.testing.assert_allclose(np.exp(row), expected, rtol=1e-9, atol=1e-11)


@settings(deadline=None, max_examples=30)
@given(st.lists(SMALL, min_size=1, max_size=3), st.sampled_from([None, 4]), st.integers(0, 99))
def test_with_policy_document_a_document_is_read_as_one_long_sentence(
    parts: list[list[list[str]]], order: int | None, seed: int
) -> None:
    tokenizer = word_tokenizer([words for part in parts for words in part])
    documents = [document(tokenizer, part) for part in parts]
    model = textbook_model(documents, tokenizer, order=order, policy="document")
    referee = Oracle(
        [text[:-1].tolist() for text in documents],
        order=order or max(map(len, documents)) + 1,
        size=tokenizer.size,
        bos=tokenizer.bos,
        eos=tokenizer.eos,
        unk=tokenizer.unk,
    )
    contexts = [*random_contexts(tokenizer, 2, seed), documents[0][:-1], documents[-1][1:]]
    for context, row in zip(contexts, model.next_logprobs(contexts), strict=True):
        history = (tokenizer.bos, *context.tolist())
        expected = [referee.probability(word, history) for word in range(tokenizer.size)]
        np.testing.assert_allclose(np.exp(row), expected, rtol=1e-9, atol=1e-11)


@settings(deadline=None, max_examples=30)
@given(TEXTS, st.integers(1, 8), st.integers(0, 99))
def test_with_a_limit_it_is_the_ngram_model_of_that_order(
    sentences: list[list[str]], order: int, seed: int
) -> None:
    tokenizer = word_tokenizer(sentences)
    text = [document(tokenizer, sentences)]
    bounded = train_ngram(text, tokenizer, NgramOptions(order=order))
    model = textbook_model(text, tokenizer, order=order)
    asked = [*random_contexts(tokenizer, 4, seed), *text]
    for ours, theirs in zip(model.score(asked), bounded.score(asked), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    for orders, theirs in zip(model.matched_order(asked), bounded.matched_order(asked), strict=True):
        assert orders.tolist() == theirs.tolist()


@settings(deadline=None, max_examples=30)
@given(TEXTS, POLICIES, st.sampled_from([None, 3]), st.integers(0, 99))
def test_all_sums_to_one_and_scores_are_those_of_steps(
    sentences: list[list[str]], policy: Policy, order: int | None, seed: int
) -> None:
    tokenizer = word_tokenizer(sentences)
    halves = [document(tokenizer, sentences[::2]), document(tokenizer, sentences[1::2])]
    options = UnboundedOptions(policy=policy, order=order, orders=2)
    model = train_unbounded(halves, tokenizer, options, halves[:1])
    # What was seen in training goes on, too: the longest contexts, after which nothing is known.
    asked = [np.concatenate([*random_contexts(tokenizer, 4, seed), halves[0]]), np.append(halves[0], 2)]
    for text, scores in zip(asked, model.score(asked), strict=True):
        logprobs, state = model.start(1)
        for token, score in zip(text, scores, strict=True):
            assert np.exp(logprobs).sum() == pytest.approx(1, abs=1e-12)
            assert logprobs[0, token] == pytest.approx(score, abs=1e-12)
            logprobs, state = model.step(np.array([token]), state)


@settings(deadline=None, max_examples=40)
@given(TEXTS, POLICIES, st.sampled_from([None, 1, 3]), st.integers(0, 99))
def test_the_match_length_is_that_of_the_longest_context_that_was_seen(
    sentences: list[list[str]], policy: Policy, order: int | None, seed: int
) -> None:
    tokenizer = word_tokenizer(sentences)
    train = document(tokenizer, sentences)
    model = textbook_model([train], tokenizer, policy=policy, order=order)
    text = np.concatenate(random_contexts(tokenizer, 4, seed))

    def fresh(read: Ids) -> list[int]:
        ends = np.flatnonzero(read == tokenizer.eos)
        near = read[ends[-1] + 1 :] if policy == "sentence" and len(ends) else read
        return [tokenizer.bos, *near.tolist()]

    known = {tuple(part) for k in range(len(train) + 1) for part in _endings(fresh(train[:k]))}
    known |= {tuple(train[i:j].tolist()) for i in range(len(train)) for j in range(i + 1, len(train) + 1)}
    expected = [
        max(len(part) for part in _endings(fresh(text[:k])) if tuple(part) in known or not part)
        for k in range(len(text))
    ]
    most = len(text) + 1 if order is None else order - 1
    assert model.match_length([text])[0].tolist() == [min(length, most) for length in expected]


def _endings(tokens: list[int]) -> list[list[int]]:
    return [tokens[k:] for k in range(len(tokens) + 1)]


def test_a_text_that_was_seen_is_foreseen_however_long_it_is() -> None:
    rng = np.random.default_rng(0)
    tokenizer = build(TokenizerOptions(kind="char"), ["abcdefgh"])
    text = np.append(rng.integers(3, tokenizer.size, 3000), tokenizer.eos)
    model = textbook_model([text, text[::2]], tokenizer, policy="document", orders=8)
    scores = model.score([text])[0]
    assert scores[1000:-1].min() > np.log(0.99)
    lengths = model.match_length([text])[0]
    assert (lengths[:5].tolist(), lengths[-1]) == ([1, 2, 3, 4, 5], 3001)
    assert model.step(np.array([3]), model.start(1)[1])[1].rows(np.array([0, 0])).sizes.shape == (2,)  # type: ignore[attr-defined]


@pytest.mark.parametrize("policy", ["sentence", "document"])
def test_the_evidence_holds_all_that_the_scores_are_made_of(policy: Policy) -> None:
    model = trained(policy=policy, orders=3)
    text = model.tokenizer.encode_document(LINES[:9] + ["w0 w9 unseen w1 w1 w1 w1"])
    rows, starts = model.evidence(text)
    slope = np.empty_like(model.discounts)
    uniform = 1 / (model.tokenizer.size - 1)
    total = unbounded_kernels.likelihood(rows, starts, model.discounts, uniform, slope)
    assert total == pytest.approx(model.score([text])[0].sum(), rel=1e-12)

    def at(values: np.ndarray) -> float:
        discounts = model.discounts.copy()
        discounts[:, 1:, 1:] = values.reshape(2, -1, 3)
        return unbounded_kernels.likelihood(rows, starts, discounts, uniform, slope.copy())

    wanted = approx_fprime(model.discounts[:, 1:, 1:].ravel(), at, 1e-7)
    np.testing.assert_allclose(slope[:, 1:, 1:].ravel(), wanted, rtol=1e-4, atol=1e-4)
    assert np.count_nonzero(rows[:, 1] > 1)  # some contexts stand for several lengths


def test_a_copy_that_breaks_off_is_unlikely_and_not_impossible() -> None:
    rng = np.random.default_rng(0)
    tokenizer = build(TokenizerOptions(kind="char"), ["abcdefgh"])
    text = np.append(rng.integers(3, tokenizer.size - 1, 5000), tokenizer.eos)
    model = textbook_model([text], tokenizer, policy="document", orders=1)
    model.discounts[:, 1, 1] = 0.5  # of 5,000 orders, which leave 2 ** -5000
    broken = np.append(text[:4000], tokenizer.size - 1)
    score = model.score([broken])[0][-1]
    assert -50 < score < -25
    assert model.next_logprobs([broken[:-1]])[0, -1] == pytest.approx(score, rel=1e-12)


def test_tuned_discounts_are_better_for_the_validation_text_than_any_near_them() -> None:
    model, plain = trained(), trained(discounts="textbook")
    valid = [model.tokenizer.encode_document(LINES[::7])]

    def worth(model: UnboundedModel) -> float:
        return model.score(valid)[0].sum() - PULL * ((model.discounts - plain.discounts) ** 2).sum()

    best = worth(model)
    assert best > worth(plain)
    rng = np.random.default_rng(0)
    for _ in range(20):
        near = model.discounts.copy()
        near[:, 1:, 1:] += rng.normal(0, 0.02, near[:, 1:, 1:].shape)
        near[:, 1:, 1:] = np.clip(near[:, 1:, 1:], 1e-3, np.arange(1, 4) - 1e-3)
        assert worth(UnboundedModel(model.tokenizer, model.index, near)) < best + 1e-4
    assert "validation text" in model.notes[0] and model.settings["discounts"] == "tuned"


def test_discounts_are_those_of_chen_and_goodman_or_it_is_told() -> None:
    discounts, notes = textbook(
        np.array([[0, 0, 0, 0, 0], [0, 10, 4, 2, 1], [0, 5, 0, 0, 0], [0, 0, 0, 0, 0]])
    )
    y = 10 / 18
    expected = [1 - 2 * y * 4 / 10, 2 - 3 * y * 2 / 4, 3 - 4 * y * 1 / 2]
    np.testing.assert_allclose(discounts[:, 1, 1:], [expected, expected])
    assert discounts[0, 2].tolist() == [0, 0.5, 1, 1.5]
    assert len(notes) == 1 and "order 2" in notes[0]


def test_rows_of_a_state_are_read_each_on_its_own() -> None:
    model = trained()
    texts = [
        model.tokenizer.encode_document([line])[:4] for line in ("w0 w1 w0 w2", "w1 w1 w1 w1", "w2 w0 w3 w1")
    ]
    _, state = model.start(3)
    for tokens in zip(*texts, strict=True):
        logprobs, state = model.step(np.array(tokens), state)
    np.testing.assert_allclose(logprobs, model.next_logprobs(texts), atol=1e-12)


def test_what_cannot_be_read_is_told() -> None:
    model = trained()
    for token in (-1, model.tokenizer.size, model.tokenizer.bos):
        with pytest.raises(InputError, match=f"cannot read id {token}"):
            model.score([np.array([3, token])])
    with pytest.raises(InputError, match="ids, the index has"):
        UnboundedModel(build(TokenizerOptions(kind="word"), ["a b"]), model.index, model.discounts)
    with pytest.raises(InputError, match="needs validation text"):
        tokenizer = model.tokenizer
        text = [tokenizer.encode_document(LINES)]
        train_unbounded(text, tokenizer, UnboundedOptions(discounts="tuned"), [text[0][:0]])
    for wrong in ({"order": 0}, {"orders": 0}, {"policy": "word"}, {"smoothing": "mle"}):
        with pytest.raises(ValidationError):
            UnboundedOptions(**wrong)  # type: ignore[arg-type]


def test_a_damaged_folder_is_told(tmp_path: Path) -> None:
    model = trained()
    model.save(tmp_path / "model")
    saved = files.load_model(tmp_path / "model", "unbounded")
    few = {name: array for name, array in saved.arrays.items() if name != "lengths"}
    files.save_model(tmp_path / "few", "unbounded", saved.config, few, saved.tokenizer)
    with pytest.raises(InputError, match="lacks lengths"):
        UnboundedModel.load(tmp_path / "few")
    far = {**saved.arrays, "suffixes": saved.arrays["suffixes"] + 1}
    files.save_model(tmp_path / "far", "unbounded", saved.config, far, saved.tokenizer)
    with pytest.raises(InputError, match="not those of the text"):
        UnboundedModel.load(tmp_path / "far")


def test_the_family_trains_saves_and_loads_and_writes_the_end_of_its_curve(tmp_path: Path) -> None:
    assert models.get("unbounded") is UNBOUNDED
    tokenizer = build(TokenizerOptions(kind="word"), LINES)
    train, valid = [tokenizer.encode_document(LINES)], [tokenizer.encode_document(LINES[::7])]
    seen: list[Progress] = []
    job = Training(UnboundedOptions(), tokenizer, train, valid, 1, tmp_path, progress=seen.append)
    model = UNBOUNDED.train(job)
    point = json.loads((tmp_path / "curve.jsonl").read_text())
    bits = -np.concatenate(model.score(valid)).mean() / np.log(2)
    assert point["valid_bits_per_token"] == pytest.approx(bits)
    assert point["tokens"] == len(train[0])
    assert [progress.stage for progress in seen] == ["sorting", "counting", "tuning", "tuning"]
    assert f"valid ppl {2**bits:.1f}" in seen[-1].note and seen[-1].done == seen[-1].total
    model.save(tmp_path / "model")
    again = UNBOUNDED.load(tmp_path / "model")
    assert (again.settings, again.notes, again.parameters) == (model.settings, model.notes, model.parameters)
    np.testing.assert_array_equal(again.score(valid)[0], model.score(valid)[0])
    (tmp_path / "none").mkdir()
    alone = UNBOUNDED.train(Training(UnboundedOptions(), tokenizer, train, [], 1, tmp_path / "none"))
    assert alone.settings["discounts"] == "textbook"
    assert not (tmp_path / "none" / "curve.jsonl").exists()


@pytest.mark.slow
@pytest.mark.skipif(not WIKITEXT.exists(), reason="needs ../shared/data/wikitext-2")
def test_on_wikitext_2_it_gives_lmplz_at_order_5_and_less_without_a_limit() -> None:
    lines = {
        split: (WIKITEXT / f"{split}.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
        for split in ("train", "valid", "test")
    }
    tokenizer = build(TokenizerOptions(kind="word"), lines["train"])
    train, valid, test = ([tokenizer.encode_document(part)] for part in lines.values())
    five = train_unbounded(train, tokenizer, UnboundedOptions(order=5, discounts="textbook"))
    assert np.exp(-five.score(test)[0].mean()) == pytest.approx(220.1385, abs=1e-3)
    free = train_unbounded(train, tokenizer, UnboundedOptions(), valid)
    assert np.exp(-free.score(test)[0].mean()) < 217.5

"""The laws that every autoregressive language model keeps, checked through the seam alone.

Works for any model of anyone: our tests, plug-ins, adapters and the course grader all call `check`.
Covered: probabilities, agreement of the fast paths with stepping, batches, no peeking, context and
policy, independence of copied rows, saving, and (given `retrain`) seeds. Not covered: whether it is any good.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, Reads, State

TOLERANCE = 1e-4
"""Largest deviation, natural log: float32 networks sum in another order when they score in batches."""


@dataclass(frozen=True, slots=True)
class LawResult:
    """One law, checked on one model.

    Attributes:
        law: what must hold, as a sentence.
        passed: whether it held; `None` where it does not apply (`note` says why).
        deviation: the worst one found: natural log, or a probability for sums.
        note: where it broke, or why the law was not checked.
    """

    law: str
    passed: bool | None
    deviation: float
    note: str = ""


def check(
    model: LanguageModel,
    documents: Sequence[Ids] | None = None,
    *,
    tolerance: float = TOLERANCE,
    retrain: Callable[[], LanguageModel] | None = None,
    seed: int = 0,
) -> list[LawResult]:
    """Every law on `model`, in the order of DESIGN.md; one more where the model can read at once (`Reads`).

    Args:
        model: any model.
        documents: ids to check on; random ones, with `eos` inside, where none are given.
        tolerance: largest deviation that passes, natural log (probability for sums).
        retrain: trains the same model again with the same seed; without it that law is skipped.
        seed: of the random documents.
    """
    texts = _sample_documents(model, seed) if documents is None else [np.asarray(d) for d in documents]
    texts = [text for text in texts if len(text)]
    if not texts:
        raise InputError("the laws need at least one document that is not empty")
    laws: list[Callable[[LanguageModel, list[Ids]], LawResult]] = [
        lambda m, d: _sums_to_one(m, d, tolerance),
        _bos_is_impossible,
        lambda m, d: _score_is_stepping(m, d, tolerance),
        lambda m, d: _next_is_stepping(m, d, tolerance),
        lambda m, d: _batch_is_rows(m, d, tolerance),
        lambda m, d: _no_peeking(m, d, tolerance),
        lambda m, d: _forgets(m, d, tolerance),
        lambda m, d: _rows_are_copies(m, d, tolerance),
        _saved_is_same,
        lambda m, d: _seed_fixes_all(m, d, retrain),
    ]
    if isinstance(model, Reads):
        laws.insert(4, lambda m, d: _reading_is_stepping(m, d, tolerance))
    return [law(model, texts) for law in laws]


def _sample_documents(model: LanguageModel, seed: int) -> list[Ids]:
    """Three short documents and one a little longer than the context (or 40), `eos` now and then."""
    rng = np.random.default_rng(seed)
    tokenizer = model.tokenizer
    allowed = np.setdiff1d(np.arange(tokenizer.size), [tokenizer.bos, tokenizer.eos])
    longest = min(40, (model.context or 30) + 10)
    documents = []
    for length in (1, 6, 13, longest):
        document = rng.choice(allowed, size=length) if len(allowed) else np.full(length, tokenizer.eos)
        document[rng.random(length) < 0.15] = tokenizer.eos
        document[-1] = tokenizer.eos
        documents.append(document)
    return documents


def _walk(model: LanguageModel, document: Ids) -> Floats:
    """The distribution before each event of a document by stepping, `[len(document), size]`."""
    logprobs, state = model.start(1)
    rows = [np.array(logprobs[0], dtype=np.float64)]
    for token in document[:-1]:
        logprobs, state = model.step(np.array([token]), state)
        rows.append(np.array(logprobs[0], dtype=np.float64))
    return np.stack(rows)


def _at(distributions: Floats, document: Ids) -> Floats:
    return distributions[np.arange(len(document)), document]


def _apart(a: Floats, b: Floats) -> float:
    """The largest difference; two equal infinities do not differ, an infinity and a number do without end."""
    a, b = np.asarray(a, dtype=np.float64).ravel(), np.asarray(b, dtype=np.float64).ravel()
    if a.shape != b.shape:
        return float("inf")
    with np.errstate(invalid="ignore"):
        differences = np.where(a == b, 0.0, np.abs(a - b))
    if np.isnan(differences).any():
        return float("inf")
    return float(differences.max(initial=0.0))


def _verdict(law: str, deviation: float, tolerance: float, note: str = "") -> LawResult:
    passed = bool(deviation <= tolerance)
    return LawResult(law, passed, deviation, "" if passed else note)


def _sums_to_one(model: LanguageModel, documents: list[Ids], tolerance: float) -> LawResult:
    worst = max(float(np.abs(np.exp(_walk(model, d)).sum(1) - 1).max()) for d in documents)
    worst = float("inf") if np.isnan(worst) else worst
    return _verdict("probabilities sum to one at every step", worst, tolerance)


def _bos_is_impossible(model: LanguageModel, documents: list[Ids]) -> LawResult:
    worst = max(float(np.exp(_walk(model, d)[:, model.tokenizer.bos]).max()) for d in documents)
    return _verdict("bos has probability zero", worst, 0.0, "a model must never predict bos")


def _score_is_stepping(model: LanguageModel, documents: list[Ids], tolerance: float) -> LawResult:
    scores = model.score(documents)
    worst = max(_apart(s, _at(_walk(model, d), d)) for s, d in zip(scores, documents, strict=True))
    return _verdict("score equals stepping", worst, tolerance)


def _next_is_stepping(model: LanguageModel, documents: list[Ids], tolerance: float) -> LawResult:
    contexts = [d[:k] for d in documents for k in sorted({0, len(d) // 2, len(d) - 1})]
    stepped = np.stack([_walk(model, np.append(context, 0))[-1] for context in contexts])
    return _verdict(
        "next_logprobs equals stepping", _apart(model.next_logprobs(contexts), stepped), tolerance
    )


def _reading_is_stepping(model: LanguageModel, documents: list[Ids], tolerance: float) -> LawResult:
    law = "reading at once equals stepping"
    assert isinstance(model, Reads)
    contexts = [d[:k] for d in documents for k in sorted({0, len(d) // 2, len(d) - 1})]
    eos = model.tokenizer.eos
    walks = [_walk(model, np.append(context, [eos, eos]))[-2:] for context in contexts]
    logprobs, state = model.read(contexts)
    worst = _apart(logprobs, np.stack([before for before, _ in walks]))
    # The state goes on from there.
    logprobs, _ = model.step(np.full(len(contexts), eos), state)
    return _verdict(law, max(worst, _apart(logprobs, np.stack([after for _, after in walks]))), tolerance)


def _batch_is_rows(model: LanguageModel, documents: list[Ids], tolerance: float) -> LawResult:
    together = model.score(documents)
    alone = [model.score([d])[0] for d in documents]
    worst = max(_apart(a, b) for a, b in zip(together, alone, strict=True))
    length = min(len(d) for d in documents)
    logprobs, state = model.start(len(documents))
    for position in range(length - 1):
        logprobs, state = model.step(np.array([d[position] for d in documents]), state)
    worst = max(worst, *(_apart(logprobs[i], _walk(model, d[:length])[-1]) for i, d in enumerate(documents)))
    return _verdict("a batch equals its rows one by one", worst, tolerance)


def _no_peeking(model: LanguageModel, documents: list[Ids], tolerance: float) -> LawResult:
    worst = 0.0
    for document in documents:
        cut = len(document) // 2
        changed = document.copy()
        changed[cut:] = np.where(changed[cut:] == model.tokenizer.eos, changed[0], model.tokenizer.eos)
        before, after = model.score([document])[0], model.score([changed])[0]
        worst = max(worst, _apart(before[:cut], after[:cut]))
    return _verdict("changing a later token changes no earlier score", worst, tolerance)


def _forgets(model: LanguageModel, documents: list[Ids], tolerance: float) -> LawResult:
    law = "what lies beyond the context, or before a sentence policy's eos, changes nothing"
    eos, bos = model.tokenizer.eos, model.tokenizer.bos
    worst, checked = 0.0, False
    for document in documents:
        for position in range(1, len(document)):
            ends = np.flatnonzero(document[:position] == eos)
            fresh = int(ends[-1]) + 1 if model.policy == "sentence" and len(ends) else 0
            start = max(fresh, position - model.context if model.context is not None else 0)
            if start == 0:
                continue
            # The eos of a forgotten sentence stays: it is what makes the model forget.
            last = start - 1 if start == fresh else start
            others = np.setdiff1d(np.unique(document), [eos, bos]) if last else np.zeros(0, dtype=int)
            if not len(others):
                continue
            changed = document[: position + 1].copy()
            inside = np.flatnonzero(changed[:last] != eos)
            changed[inside] = others[(np.searchsorted(others, changed[inside]) + 1) % len(others)]
            checked = True
            before, after = model.score([document[: position + 1]])[0], model.score([changed])[0]
            worst = max(worst, _apart(before[-1], after[-1]))
    if not checked:
        return LawResult(law, None, 0.0, "nothing lies beyond what this model may see in these documents")
    return _verdict(law, worst, tolerance)


def _rows_are_copies(model: LanguageModel, documents: list[Ids], tolerance: float) -> LawResult:
    document = max(documents, key=len)
    half = max(1, len(document) // 2)
    _, state = model.start(2)
    for token in document[:half]:
        _, state = model.step(np.array([token, token]), state)
    left: State = state.rows(np.array([0, 1, 0]))
    right: State = state.rows(np.array([1]))
    eos = model.tokenizer.eos
    for _ in range(3):  # what one copy reads must not reach the other
        _, left = model.step(np.array([eos, eos, eos]), left)
    token = document[half - 1]
    logprobs, _ = model.step(np.array([token]), right)
    expected = _walk(model, np.concatenate([document[:half], [token, eos]]))[-1]
    return _verdict("rows makes independent copies", _apart(logprobs[0], expected), tolerance)


def _saved_is_same(model: LanguageModel, documents: list[Ids]) -> LawResult:
    law = "a saved and loaded model scores the same bits"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        try:
            model.save(folder)
            again = type(model).load(folder)
        except InputError as error:
            return LawResult(law, None, 0.0, str(error).replace(temporary, "…"))
        pairs = zip(model.score(documents), again.score(documents), strict=True)
        return _verdict(law, max(_apart(a, b) for a, b in pairs), 0.0)


def _seed_fixes_all(
    model: LanguageModel, documents: list[Ids], retrain: Callable[[], LanguageModel] | None
) -> LawResult:
    law = "the same seed trains the same model"
    if retrain is None:
        return LawResult(law, None, 0.0, "not checked: no way to train it again was given")
    pairs = zip(model.score(documents), retrain().score(documents), strict=True)
    return _verdict(law, max(_apart(a, b) for a, b in pairs), 0.0)

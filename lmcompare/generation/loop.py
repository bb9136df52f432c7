"""The one generation loop of all families: read the prompts, then draw and step until every row is done.

A model that can read many tokens at once (`interface.Reads`) is given whole prompts. With any other, all
rows read their first token together, and a row whose prompt has ended draws while a longer one still
reads. A row that is done is dropped from the state, so that work shrinks. A model that can draw from
itself (`interface.Samples`) does so where the rule changes nothing; one that steps faster when it is told
that it will write (`interface.Writes`) is told. Each row has a random stream of its own, so neither the
batch nor the company of other rows changes what is drawn. Knows nothing of how a model works: it uses only
the seam.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from lmcompare.errors import InputError
from lmcompare.generation.rules import Rule, choose
from lmcompare.interface import Floats, Ids, LanguageModel, Reads, Samples, Tokenizer, Writes
from lmcompare.registry import Progress

StopReason = Literal["length", "eos", "string"]
FIRST_DRAWS = 64
"""Tokens that a model draws from itself at once; then, where rows are not done, four times as many."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What a model wrote after one prompt.

    Attributes:
        ids: the tokens drawn, `eos` included where it was drawn.
        text: what they add to the prompt's text; ends with the stop string where one was found, and
            without the line end where `eos` stopped the row.
        logprobs: log p of each token under the model itself, before the sampling rule, `[len(ids)]`.
        stop: why the row ended.
    """

    ids: Ids
    text: str
    logprobs: Floats
    stop: StopReason


def encode_prompt(tokenizer: Tokenizer, text: str) -> Ids:
    """Ids of a text that may go on: `eos` after each line that has ended, none after the last."""
    *ended, last = text.split("\n")
    parts = [tokenizer.encode_document(ended)] if ended else []
    # An empty tail has nothing to encode: the text stands at a sentence's start.
    parts += [tokenizer.encode(last).ids] if last else []
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts]).astype(np.int64)


def generate(
    model: LanguageModel,
    prompts: Sequence[Ids],
    rule: Rule,
    *,
    max_tokens: int,
    seed: int = 0,
    streams: Sequence[int] | None = None,
    stop_at_eos: bool = False,
    stop_strings: Sequence[str] = (),
    batch: int = 32,
    progress: Callable[[Progress], None] | None = None,
) -> list[Generated]:
    """Continue each prompt with tokens that are drawn from the model by a sampling rule.

    Args:
        model: any language model; it reads on over `eos` as its own policy says.
        prompts: what each row has read before, without `bos`; lengths may differ, a prompt may be empty.
        rule: what is done to the probabilities before a token is drawn.
        max_tokens: tokens drawn at most, a row.
        seed: fixes all draws.
        streams: number of each row's random stream (default: its place). The same seed and number give
            the same text whatever the other prompts are, their order, the batch and `max_tokens`, as
            far as the model's own batches equal its rows.
        stop_at_eos: whether the first `eos` ends a row; otherwise it is a line end like any token.
        stop_strings: a row ends where its new text holds one of them, over token ends too.
        batch: rows that are stepped together.
        progress: called after each step.
    """
    _check(model, prompts, max_tokens, batch, stop_strings)
    names = list(range(len(prompts))) if streams is None else list(streams)
    if len(names) != len(prompts):
        raise InputError(f"there are {len(names)} streams for {len(prompts)} prompts", where="streams")
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    done: dict[int, Generated] = {}
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        writer = _Writer(
            model.tokenizer, [prompts[row] for row in rows], max_tokens, stop_at_eos, stop_strings
        )
        tell = partial(_tell, progress, first, len(rows), len(order))
        seeds = [[seed, names[row]] for row in rows]
        if rule.changes_nothing and isinstance(model, Samples):
            _sample(model, writer, seeds, tell)
        else:
            _run(model, writer, rule, seeds, tell)
        done |= dict(zip(rows, writer.results(), strict=True))
    return [done[row] for row in range(len(prompts))]


def _run(
    model: LanguageModel,
    writer: _Writer,
    rule: Rule,
    seeds: list[list[int]],
    tell: Callable[[float], None],
) -> None:
    """Draw and step; what is drawn is chosen by one uniform number a token."""
    uniforms = np.stack([np.random.default_rng(each).random(writer.max_tokens) for each in seeds])
    given = writer.begin
    if isinstance(model, Writes):
        model.prepare_writing(len(writer.prompts), writer.max_tokens)
    if isinstance(model, Reads):
        logprobs, state = model.read(writer.prompts)
        given = np.zeros_like(writer.begin)
    else:
        logprobs, state = model.start(len(writer.prompts))
    rows: Ids = np.arange(len(writer.prompts))
    for place in range(int(given.max()) + writer.max_tokens):
        tokens = writer.given[rows, np.minimum(place, writer.given.shape[1] - 1)]
        writing = np.flatnonzero(place >= given[rows])
        if len(writing):
            own = np.asarray(logprobs)[writing]
            mine = rows[writing]
            tokens[writing] = choose(rule, own, uniforms[mine, place - given[mine]])
            writer.write(mine, tokens[writing], own[np.arange(len(writing)), tokens[writing]])
        going = np.flatnonzero(~writer.finished[rows])
        tell(writer.share())
        if not len(going):
            return
        if len(going) < len(rows):
            rows, tokens, state = rows[going], tokens[going], state.rows(going)
        logprobs, state = model.step(tokens, state)


def _sample(
    model: LanguageModel, writer: _Writer, seeds: list[list[int]], tell: Callable[[float], None]
) -> None:
    """Let the model draw from itself: a few tokens, and more where a row is not done by then."""
    assert isinstance(model, Samples)
    length, written = FIRST_DRAWS, 0
    while len(rows := np.flatnonzero(~writer.finished)):
        length = min(length, writer.max_tokens)
        prompts = [writer.prompts[row] for row in rows]
        # The same stream from its start: the tokens that stand already are drawn once more.
        drawn = model.sample(prompts, length, [seeds[row] for row in rows])
        whole = [np.concatenate([prompt, own]) for prompt, own in zip(prompts, drawn, strict=True)]
        scores = model.score(whole)
        logprobs = np.stack([score[len(score) - length :] for score in scores])
        for place in range(written, length):
            going = np.flatnonzero(~writer.finished[rows])
            writer.write(rows[going], drawn[going, place], logprobs[going, place])
        tell(writer.share())
        length, written = 4 * length, length


class _Writer:
    """What the rows of one batch have written so far, and when each of them is done."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        prompts: list[Ids],
        max_tokens: int,
        stop_at_eos: bool,
        stop_strings: Sequence[str],
    ) -> None:
        count = len(prompts)
        self.tokenizer, self.prompts, self.max_tokens = tokenizer, prompts, max_tokens
        self.stop_at_eos, self.stop_strings = stop_at_eos, stop_strings
        self.begin: Ids = np.array([len(prompt) for prompt in prompts], dtype=np.int64)
        self.given: Ids = np.zeros((count, max(1, int(self.begin.max()))), dtype=np.int64)
        for row, prompt in enumerate(prompts):
            self.given[row, : len(prompt)] = prompt
        self.ids: Ids = np.zeros((count, max_tokens), dtype=np.int64)
        self.logprobs = np.zeros((count, max_tokens))
        self.length = np.zeros(count, dtype=np.int64)
        self.finished = np.zeros(count, dtype=bool)
        self.stop: list[StopReason] = ["length"] * count
        # A stop string of n bytes ends in the last token and began at most n tokens before; a character
        # has at most 4 bytes, and a tail that begins inside a character only adds a sign at its front.
        self.tail = max((4 * len(text) + 4 for text in stop_strings), default=0)

    def write(self, rows: Ids, tokens: Ids, logprobs: Floats) -> None:
        """Each of `rows` has drawn one token."""
        self.ids[rows, self.length[rows]] = tokens
        self.logprobs[rows, self.length[rows]] = logprobs
        self.length[rows] += 1
        self.finished[rows] = self.length[rows] == self.max_tokens
        for row in rows if self.stop_strings else ():
            self._look_for_strings(int(row))
        if self.stop_at_eos:
            for row in rows[tokens == self.tokenizer.eos]:
                if self.stop[row] != "string":
                    self.stop[row] = "eos"
                self.finished[row] = True

    def share(self) -> float:
        """How much of the batch is written, 0 to 1."""
        return float(np.where(self.finished, 1.0, self.length / self.max_tokens).mean())

    def results(self) -> list[Generated]:
        """One record a row."""
        return [
            Generated(
                self.ids[row, :length].copy(), self._text(row), self.logprobs[row, :length].copy(), stop
            )
            for row, (length, stop) in enumerate(zip(self.length, self.stop, strict=True))
        ]

    def _look_for_strings(self, row: int) -> None:
        tail = self.ids[row, max(0, self.length[row] - self.tail) : self.length[row]]
        if len(tail) == self.tail and self._cut(self.tokenizer.decode(tail)) is None:
            return
        if self._cut(self._added(row)) is not None:
            self.stop[row], self.finished[row] = "string", True

    def _text(self, row: int) -> str:
        text = self._added(row)
        if self.stop[row] == "string":
            return text[: self._cut(text)]
        return text.removesuffix("\n") if self.stop[row] == "eos" else text

    def _added(self, row: int) -> str:
        """What the new tokens add to the prompt's text: the white space between the two belongs to it."""
        new = self.ids[row, : self.length[row]]
        before = self.tokenizer.decode(self.prompts[row])
        whole = self.tokenizer.decode(np.concatenate([self.prompts[row], new]))
        return whole[len(before) :] if whole.startswith(before) else self.tokenizer.decode(new)

    def _cut(self, text: str) -> int | None:
        """Where the stop string that is complete first ends."""
        ends = [text.find(stop) + len(stop) for stop in self.stop_strings if stop in text]
        return min(ends, default=None)


def _check(
    model: LanguageModel, prompts: Sequence[Ids], max_tokens: int, batch: int, stop_strings: Sequence[str]
) -> None:
    if max_tokens < 1:
        raise InputError(
            f"the number of tokens is {max_tokens}", where="max_tokens", remedy="Give at least 1"
        )
    if batch < 1:
        raise InputError(f"the number of rows is {batch}", where="batch", remedy="Give at least 1")
    if "" in stop_strings:
        raise InputError("a stop string is empty", where="stop_strings", remedy="Leave it out")
    size, bos = model.tokenizer.size, model.tokenizer.bos
    for row, prompt in enumerate(prompts):
        ids = np.asarray(prompt)
        if len(ids) and (ids.min() < 0 or ids.max() >= size or (ids == bos).any()):
            what = f"a token id is bos ({bos}) or not below {size}"
            remedy = "Encode the prompt with the model's own tokenizer"
            raise InputError(what, where=f"prompt {row}", remedy=remedy)


def _tell(
    progress: Callable[[Progress], None] | None, before: int, rows: int, total: int, share: float
) -> None:
    if progress is not None:
        progress(Progress("generate", before + share * rows, total))

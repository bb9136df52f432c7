"""A skip n-gram model: the context is tokens at chosen distances, the tokens between them are skipped.

Distances 1, 2, 3 give an ordinary 4-gram model; 2 alone, or 1 and 3, see patterns that it cannot. Knows
nothing of other distances than its own: several are put together by a mixture.

Sources: Rosenfeld, "A maximum entropy approach to adaptive statistical language modelling" (1996), section
4.4; Guthrie et al., "A closer look at skip-gram modelling" (2006); smoothing as in Chen and Goodman (1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer
from lmcompare.models.ngram.skip_tables import SkipLevel, estimate, look_up
from lmcompare.registry import Progress, Training

FARTHEST = 16


class SkipOptions(BaseModel):
    """Interpolated modified Kneser-Ney over contexts with gaps.

    Attributes:
        distances: how far back each context token stands, the nearest first: 1 is the token before. A context
            that was not seen is shortened by its farthest token.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    distances: list[int] = Field(default_factory=lambda: [2, 3], min_length=1, max_length=7)

    @field_validator("distances")
    @classmethod
    def _rising(cls, value: list[int]) -> list[int]:
        if (
            value[0] < 1
            or value[-1] > FARTHEST
            or any(a >= b for a, b in zip(value, value[1:], strict=False))
        ):
            raise ValueError(f"distances must rise, from at least 1 to at most {FARTHEST}, not {value}")
        return value


@dataclass
class SkipState:
    """The last tokens of each row's sentence, newest first, `bos` before its start: `[batch, farthest]`."""

    tokens: NDArray[np.int64]

    def rows(self, index: Ids) -> SkipState:
        """See `State.rows`."""
        return SkipState(self.tokens[index])


class SkipModel(LanguageModel):
    """A skip n-gram behind the seam; forgets at `eos`.

    Args:
        tokenizer: the event space.
        distances: of the context's tokens, rising.
        levels: probabilities given no token, the nearest, the two nearest, ...
        notes: what a user should be told about it.
    """

    kind = "skip"
    policy = "sentence"

    def __init__(
        self,
        tokenizer: Tokenizer,
        distances: Sequence[int],
        levels: Sequence[SkipLevel],
        notes: Sequence[str] = (),
    ) -> None:
        self.tokenizer, self.distances, self.levels = tokenizer, list(distances), list(levels)
        self.notes = list(notes)
        self.context = max(distances)
        self.order = len(levels)
        self.parameters = sum(len(level.logprobs) + len(level.backoffs) for level in levels)

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        tokens = np.full((batch, self.distances[-1]), self.tokenizer.bos, dtype=np.int64)
        return self._distributions(tokens), SkipState(tokens)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`; a row that reads `eos` starts its next sentence."""
        before = cast(SkipState, state).tokens
        after = np.concatenate([np.asarray(tokens)[:, None], before[:, :-1]], axis=1)
        after[np.asarray(tokens) == self.tokenizer.eos] = self.tokenizer.bos
        return self._distributions(after), SkipState(after)

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`."""
        return [scores for scores, _ in self._read(documents)]

    def matched_order(self, documents: Sequence[Ids]) -> list[NDArray[np.int64]]:
        """1 and the number of context tokens that each event's probability is given, one array a document."""
        return [matched for _, matched in self._read(documents)]

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        tokens = np.full((len(contexts), self.distances[-1]), self.tokenizer.bos, dtype=np.int64)
        for row, context in enumerate(contexts):
            near = np.asarray(context)[-self.distances[-1] :][::-1]
            ends = np.flatnonzero(near == self.tokenizer.eos)
            near = near[: ends[0]] if len(ends) else near
            tokens[row, : len(near)] = near
        return self._distributions(tokens)

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`."""
        arrays: dict[str, Any] = {}
        for number, level in enumerate(self.levels):
            arrays |= {f"{number}.{name}": array for name, array in level.arrays().items()}
        config = {"distances": self.distances, "notes": self.notes}
        files.save_model(folder, self.kind, config, arrays, self.tokenizer.to_json())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        from lmcompare.text.tokenizers import from_json

        saved = files.load_model(folder, cls.kind)
        tokenizer, distances = from_json(saved.tokenizer), saved.config["distances"]
        try:
            levels = [
                SkipLevel.of_arrays(
                    {name: saved.arrays[f"{number}.{name}"] for name in SkipLevel.ARRAYS}, tokenizer.size
                )
                for number in range(len(distances) + 1)
            ]
        except KeyError as error:
            raise InputError(f"weights.safetensors lacks {error}", where=str(folder)) from None
        return cls(tokenizer, distances, levels, saved.config["notes"])

    def _read(self, documents: Sequence[Ids]) -> list[tuple[Floats, NDArray[np.int64]]]:
        lengths = [len(document) for document in documents]
        tokens = np.concatenate([np.zeros(0, np.int64), *(np.asarray(d, np.int64) for d in documents)])
        size = self.tokenizer.size
        if len(tokens) and not 0 <= tokens.min() <= tokens.max() < size:
            raise InputError(f"there is an id outside the model's, 0 to {size - 1}")
        contexts = contexts_of(documents, self.distances, self.tokenizer)
        scores, matched = look_up(self.levels, contexts, tokens, size)
        ends = np.cumsum(lengths)[:-1]
        if not documents:
            return []
        return list(zip(np.split(scores, ends), np.split(matched, ends), strict=True))

    def _distributions(self, tokens: NDArray[np.int64]) -> Floats:
        contexts = tokens[:, np.array(self.distances) - 1].T
        size = self.tokenizer.size
        out = np.tile(self.levels[0].logprobs.astype(np.float64), (len(tokens), 1))
        numbers = np.zeros(len(tokens), dtype=np.int64)
        for level, words in zip(self.levels[1:], contexts, strict=True):
            numbers = level.contexts_after(numbers, words, size)
            for row in np.flatnonzero(numbers >= 0):
                place = slice(level.starts[numbers[row]], level.starts[numbers[row] + 1])
                out[row] += level.backoffs[numbers[row]]
                out[row, level.words[place]] = level.logprobs[place]
        return out


def contexts_of(
    documents: Sequence[Ids], distances: Sequence[int], tokenizer: Tokenizer
) -> NDArray[np.int64]:
    """The context tokens of every event, `[distances, events]`; `bos` where the sentence has not begun."""
    rows: list[list[NDArray[np.int64]]] = [[np.zeros(0, np.int64)] for _ in distances]
    for document in documents:
        tokens = np.asarray(document, dtype=np.int64)
        places = np.arange(len(tokens))
        opens = np.concatenate([[True], tokens[:-1] == tokenizer.eos])[: len(tokens)]
        starts = np.maximum.accumulate(np.where(opens, places, 0))
        for row, distance in zip(rows, distances, strict=True):
            inside = places - starts >= distance
            row.append(np.where(inside, tokens[np.maximum(places - distance, 0)], tokenizer.bos))
    return np.stack([np.concatenate(row) for row in rows])


@dataclass(frozen=True)
class SkipFamily:
    """Counts, smooths and stores skip n-grams."""

    name: str = "skip"
    summary: str = "skip n-grams: contexts with gaps, interpolated modified Kneser-Ney"
    options: type[BaseModel] = SkipOptions

    def train(self, job: Training) -> SkipModel:
        """See `registry.Family.train`. Nothing is kept over a kill: it takes seconds to start afresh."""
        options = SkipOptions.model_validate(job.options.model_dump())
        if not any(map(len, job.train)):
            raise InputError("the training text is empty", remedy="Give a corpus with at least one sentence")
        job.progress(Progress("counting", 0, 1))
        tokens = np.concatenate([np.asarray(document, dtype=np.int64) for document in job.train])
        contexts = contexts_of(job.train, options.distances, job.tokenizer)
        levels, notes = estimate(contexts, tokens, job.tokenizer.size, job.tokenizer.bos)
        job.progress(Progress("counting", 1, 1, "; ".join(notes)))
        return SkipModel(job.tokenizer, options.distances, levels, notes)

    def load(self, folder: Path) -> SkipModel:
        """See `registry.Family.load`."""
        return SkipModel.load(folder)


SKIP = SkipFamily()

"""An n-gram model without a longest n-gram: it backs off from the longest context that was ever seen.

Knows a suffix array and discounts, nothing of how the discounts were found (`unbounded_family`).

Interpolated modified Kneser-Ney of unlimited order: p(w | h) is (c(hw) - D(c(hw)) + F(h) p(w | h')) / the
sum of c(h.), D(0) = 0, F(h) the sum of all D after h, from the empty context h up to the longest end of what
was read that was seen in training. c is the adjusted count: in how many different contexts to the left an
n-gram occurs; for what begins with `bos` it is how often. Nothing is kept for each order: an n-gram is a
range of the suffix array, and its counts are those of the range, so that a repeat of 100 tokens costs no more
than one of three. With a limit of length, at which n-grams have their plain counts, it is the n-gram model of
that order, but for `ALWAYS`.

Sources: Chen and Goodman, TR-10-98 (1998), section 3; Kennington, Kay and Friedrich, "Suffix trees as
language models" (2012); Shareghi et al., "Fast, small and exact: infinite-order language modelling with
compressed suffix trees" (2016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer
from lmcompare.models.ngram.suffix_array import SuffixArray

Discounts = NDArray[np.float64]
FIELDS = 7
"""Numbers in a row of evidence."""
ALWAYS = 1e-12
"""The share of the empty context in every other: nothing that ends a copy of 1,000 tokens is impossible."""


@dataclass(frozen=True)
class UnboundedState:
    """The contexts that each row has read and that were seen in training, from the empty one up.

    Attributes:
        contexts: length in tokens, first suffix, end of the suffixes, `[batch, most, 3]`. Of contexts that
            occur at the same places only the longest is listed.
        sizes: how many each row has, `[batch]`.
    """

    contexts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def rows(self, index: Ids) -> UnboundedState:
        """See `State.rows`."""
        return UnboundedState(self.contexts[index], self.sizes[index])


@dataclass(frozen=True)
class Repeats:
    """Statistics of each repeated n-gram (`suffix_kernels.repeats` says what each array holds).

    Attributes:
        arrays: symbols, suffixes, firsts, lcp, kinds and follow: the `index` of the compiled loops.
        tallies: how many different n-grams of each order have the adjusted count 1 to 4, `[orders + 1, 5]`.
        number: of the repeated n-grams that different words follow.
    """

    arrays: tuple[NDArray[Any], ...]
    tallies: NDArray[np.int64]
    number: int

    @classmethod
    def of(cls, index: SuffixArray, order: int, orders: int) -> Repeats:
        """Visit all repeats once; `order` is the longest n-gram's (0: no limit), `orders` the tallies'."""
        from lmcompare.models.ngram import suffix_kernels

        n = len(index.ids)
        lcp = np.empty(n + 1, dtype=np.int32)
        suffix_kernels.common_prefixes(index.symbols, index.suffixes, lcp)
        kinds, follow = np.zeros(n, dtype=np.int32), np.zeros((n, 4), dtype=np.int32)
        tallies = np.zeros((orders + 1, 5), dtype=np.int64)
        text = (index.symbols, index.suffixes)
        number = suffix_kernels.repeats(*text, lcp, index.size, order, kinds, follow, tallies)
        return cls((*text, index.firsts, lcp, kinds, follow), tallies, number)


class UnboundedModel(LanguageModel):
    """Modified Kneser-Ney over all contexts that the training text has.

    Args:
        tokenizer: the event space; the index holds its ids.
        index: the training text; its policy is the model's.
        discounts: `[2, orders + 1, 4]` by whether only one word was seen after the context, by length of the
            n-gram (from 1; the last stands for all above) and by its adjusted count (1, 2, 3 and more).
        limit: length of the longest n-gram; `None` is any.
        settings: how the model came about, for people (kept in the model folder).
        notes: what a user should be told about it.
    """

    kind = "unbounded"

    def __init__(
        self,
        tokenizer: Tokenizer,
        index: SuffixArray,
        discounts: Discounts,
        limit: int | None = None,
        settings: Mapping[str, Any] | None = None,
        notes: Sequence[str] = (),
        repeats: Repeats | None = None,
    ) -> None:
        if index.size != tokenizer.size:
            raise InputError(f"the tokenizer has {tokenizer.size} ids, the index has {index.size}")
        self.tokenizer, self.index, self.discounts, self.limit = tokenizer, index, discounts, limit
        self.settings, self.notes = dict(settings or {}), list(notes)
        self.policy = index.policy
        self.context = None if limit is None else limit - 1
        self.repeats = repeats or Repeats.of(index, limit or 0, 1)
        # Of each repeat a count and a back-off weight; of what occurs once, its place.
        self.parameters = len(index.ids) + 2 * self.repeats.number + int(discounts[:, 1:, 1:].size)
        self._unigrams = self._single_words()

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        state = self._opening(batch, 2)
        return self._distributions(state), state

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`."""
        before = cast(UnboundedState, state)
        most = int(before.sizes.max(initial=2))
        grown = np.pad(before.contexts[:, :most], ((0, 0), (0, 1), (0, 0)))
        after = UnboundedState(grown, before.sizes.copy())
        self._read(tokens, after)
        return self._distributions(after), after

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`."""
        return [self._read(document, self._opening(1, self._room(document))) for document in documents]

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        out = np.empty((len(contexts), self.tokenizer.size))
        for row, context in enumerate(contexts):
            seen = np.asarray(context)
            ends = np.flatnonzero(seen == self.tokenizer.eos)
            if self.policy == "sentence" and len(ends):
                seen = seen[ends[-1] + 1 :]
            state = self._opening(1, self._room(seen))
            if self.context is not None and len(seen) >= self.context:
                seen = seen[len(seen) - self.context :]
                state.sizes[:] = 1  # the sentence began further back than the model sees
            self._read(seen, state)
            out[row] = self._distributions(state)[0]
        return out

    def match_length(self, documents: Sequence[Ids]) -> list[NDArray[np.int32]]:
        """For each event the number of tokens of the longest context before it that was seen in training.

        That context is where the model starts to back off. The `bos` of the sentence (with policy "document",
        of the document) counts as one token.

        Returns:
            one array a document, of the document's length.
        """
        found = []
        for document, matches in zip(documents, self.index.matches(documents), strict=True):
            lengths = np.append(np.int32(1), matches)[: len(document)]
            if self.policy == "sentence":
                lengths[1:][np.asarray(document)[:-1] == self.tokenizer.eos] = 1
            found.append(lengths if self.context is None else np.minimum(lengths, np.int32(self.context)))
        return found

    def matched_order(self, documents: Sequence[Ids]) -> list[NDArray[np.int32]]:
        """Length of the longest n-gram that ends with each event and was seen, at least 1."""
        longest = self.limit or self.index.longest
        return [np.clip(matches, 1, longest) for matches in self.index.matches(documents)]

    def evidence(self, document: Ids) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """What was seen of each event of a document (`unbounded_kernels` says what a row is).

        Returns:
            the rows of all events `[rows, 7]`; where those of each event start, then their number `[n + 1]`.
        """
        starts = np.zeros(len(document) + 1, dtype=np.int64)
        rows = np.empty((0, FIELDS), dtype=np.int32)
        for _ in range(2):  # first to learn how many there are
            self._read(document, self._opening(1, self._room(document)), starts, rows)
            rows = rows if len(rows) else np.empty((starts[-1], FIELDS), dtype=np.int32)
        return rows, starts

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`: the text, its suffixes and the discounts; the rest follows from them."""
        index = self.index
        arrays = {
            "ids": index.ids.astype(np.min_scalar_type(index.size - 1)),
            "suffixes": index.suffixes.astype(np.uint32),
            "lengths": index.lengths,
            "discounts": self.discounts,
        }
        config = {"limit": self.limit, "policy": self.policy, "settings": self.settings, "notes": self.notes}
        files.save_model(folder, self.kind, config, arrays, self.tokenizer.to_json())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        from lmcompare.text.tokenizers import from_json

        saved = files.load_model(folder, cls.kind)
        names = ("ids", "suffixes", "lengths", "discounts")
        missing = [name for name in names if name not in saved.arrays]
        if missing:
            raise InputError(f"weights.safetensors lacks {', '.join(missing)}", where=str(folder))
        ids, suffixes, lengths, discounts = (saved.arrays[name] for name in names)
        if len(ids) != len(suffixes) or int(suffixes.max(initial=0)) >= len(ids):
            raise InputError("weights.safetensors: the suffixes are not those of the text", where=str(folder))
        tokenizer, config = from_json(saved.tokenizer), saved.config
        index = SuffixArray(
            ids.astype(np.int32),
            suffixes.astype(np.int32),
            lengths,
            tokenizer.bos,
            tokenizer.eos,
            tokenizer.size,
            config["policy"],
        )
        return cls(tokenizer, index, discounts, config["limit"], config["settings"], config["notes"])

    def _opening(self, batch: int, room: int) -> UnboundedState:
        """Rows that have read only `bos`."""
        _, suffixes, firsts, *_ = self.repeats.arrays
        contexts = np.zeros((batch, room, 3), dtype=np.int64)
        contexts[:, 0, 2] = len(suffixes)
        contexts[:, 1] = 1, firsts[self.tokenizer.bos], firsts[self.tokenizer.bos + 1]
        return UnboundedState(contexts, np.full(batch, 1 if self.limit == 1 else 2))

    def _room(self, document: Ids) -> int:
        """The most contexts that a row can have while it reads a document."""
        return min(self.index.longest, len(document) + 1) + 2

    def _read(
        self,
        tokens: Ids,
        state: UnboundedState,
        starts: NDArray[np.int64] | None = None,
        rows: NDArray[np.int32] | None = None,
    ) -> Floats:
        """Log p of each token. A state of one row reads all, any other one token a row, and is changed."""
        from lmcompare.models.ngram import unbounded_kernels

        tokens = np.asarray(tokens)
        wrong = (tokens < 0) | (tokens >= self.tokenizer.size) | (tokens == self.tokenizer.bos)
        if wrong.any():
            known = f"ids run from 0 to {self.tokenizer.size - 1}, and bos is never predicted"
            raise InputError(f"the model cannot read id {tokens[wrong][0]}: {known}")
        batch = len(state.sizes)
        bounds = np.array([0, len(tokens)]) if batch == 1 else np.arange(batch + 1)
        scores = np.empty(len(tokens))
        unbounded_kernels.read(
            self.repeats.arrays,
            self.limit or 0,
            self.tokenizer.bos,
            self.tokenizer.eos if self.policy == "sentence" else -1,
            self.discounts,
            1 / (self.tokenizer.size - 1),
            tokens.astype(np.int32),
            bounds,
            state.contexts,
            state.sizes,
            scores,
            np.zeros(0, dtype=np.int64) if starts is None else starts,
            np.empty((0, FIELDS), dtype=np.int32) if rows is None else rows,
        )
        return scores

    def _distributions(self, state: UnboundedState) -> Floats:
        from lmcompare.models.ngram import unbounded_kernels

        out = np.empty((len(state.sizes), self.tokenizer.size))
        known = (self.repeats.arrays, self.limit or 0, self.discounts, self._unigrams)
        unbounded_kernels.distributions(*known, state.contexts, state.sizes, out)
        with np.errstate(divide="ignore"):  # bos is impossible, and -inf is meant
            return np.log(out, out=out)

    def _single_words(self) -> Floats:
        """p(w) in the empty context, `[size]`."""
        _, _, firsts, lcp, kinds, follow = self.repeats.arrays
        low, high = firsts[:-1], firsts[1:]
        counts = high - low
        if self.limit != 1:
            nodes = np.where(lcp[low % len(kinds)] >= lcp[high], low, high - 1)
            counts = np.where(counts > 1, kinds[nodes % len(kinds)], counts)
        counts[self.tokenizer.bos] = 0
        discount = self.discounts[int(np.count_nonzero(counts) == 1), 1]
        taken = discount[np.minimum(counts, 3)]
        probabilities = (counts - taken + taken.sum() / (self.tokenizer.size - 1)) / follow[0, 0]
        probabilities[self.tokenizer.bos] = 0
        return np.asarray(probabilities)

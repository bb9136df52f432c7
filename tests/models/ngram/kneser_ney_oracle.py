"""Modified Kneser-Ney from its definition, one probability at a time: slow, short, and nothing shared.

Knows lists of ids and dictionaries; takes no function from the package that it referees.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache


class Oracle:
    """Chen and Goodman's interpolated modified Kneser-Ney on sentences (lists of ids without bos and eos)."""

    def __init__(
        self,
        sentences: Sequence[Sequence[int]],
        *,
        order: int,
        size: int,
        bos: int,
        eos: int,
        unk: int | None,
        prune: Sequence[int] = (0,),
        interpolate_unigrams: bool = True,
        last_raw: bool = False,
    ) -> None:
        self.order, self.size, self.bos, self.eos, self.unk = order, size, bos, eos, unk
        self.interpolate_unigrams = interpolate_unigrams
        self.thresholds = [*prune, *[prune[-1]] * order][:order]
        self.padded = [(bos, *sentence, eos) for sentence in sentences]
        self.raw = [self._occurrences(n) for n in range(1, order + 1)]
        self.adjusted = [self._adjusted(n) for n in range(1, order + 1)]
        counted = [dict(adjusted) for adjusted in self.adjusted]
        if last_raw:
            for gram in self._last_grams():
                counted[len(gram) - 1][gram] = self.raw[len(gram) - 1][gram]
        self.discounts = [self._discounts(Counter(counts.values())) for counts in counted]
        self.probability = cache(self._probability)

    def _occurrences(self, n: int) -> Counter[tuple[int, ...]]:
        grams = Counter(s[i : i + n] for s in self.padded for i in range(len(s) - n + 1))
        grams.pop((self.bos,), None)
        return grams

    def _adjusted(self, n: int) -> dict[tuple[int, ...], int]:
        if n == self.order:
            return dict(self.raw[n - 1])
        continuations = Counter(gram[1:] for gram in self.raw[n])
        return {g: c if g[0] == self.bos else continuations[g] for g, c in self.raw[n - 1].items()}

    def _last_grams(self) -> list[tuple[int, ...]]:
        """The endings of the n-gram that lmplz writes last: sorted by last word, then by the one before."""
        first: dict[int, int] = {self.bos: -2, self.eos: -1}
        for sentence in self.padded:
            for word in sentence:
                first.setdefault(word, len(first))
        fill = (self.bos,) * (self.order - 1)
        windows = [(fill + s)[i : i + self.order] for s in self.padded for i in range(1, len(s))]
        last = max(windows, key=lambda window: [first[word] for word in reversed(window)])
        return [last[-n:] for n in range(1, self.order) if self.bos not in last[-n:]]

    @staticmethod
    def _discounts(of_counts: Counter[int]) -> tuple[float, float, float]:
        n1, n2, n3, n4 = (of_counts[k] for k in (1, 2, 3, 4))
        if n1 and n2 and n3:
            y = n1 / (n1 + 2 * n2)
            found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
            if all(0 <= d <= k for k, d in enumerate(found, 1)):
                return found
        return 0.5, 1.0, 1.5

    def _discount(self, n: int, count: int) -> float:
        return self.discounts[n - 1][min(count, 3) - 1] if count else 0.0

    def _probability(self, word: int, context: tuple[int, ...]) -> float:
        """P(word | context), of which the last `order - 1` words count."""
        if word == self.bos:
            return 0.0
        context = context[max(0, len(context) - self.order + 1) :]
        if not context:
            return self._unigram(word)
        n = len(context) + 1
        counts = {g[-1]: c for g, c in self.adjusted[n - 1].items() if g[:-1] == context}
        if not counts:
            return self.probability(word, context[1:])
        kept = {w: c for w, c in counts.items() if self.raw[n - 1][*context, w] > self.thresholds[n - 1]}
        own = {w: (c - self._discount(n, c)) / sum(counts.values()) for w, c in kept.items()}
        return own.get(word, 0.0) + (1 - sum(own.values())) * self.probability(word, context[1:])

    def _unigram(self, word: int) -> float:
        counts = {gram[0]: count for gram, count in self.adjusted[0].items()}
        own = {w: (c - self._discount(1, c)) / sum(counts.values()) for w, c in counts.items()}
        rest = 1 - sum(own.values())
        receivers = [w for w in range(self.size) if w != self.bos]
        if not self.interpolate_unigrams:
            unseen = [w for w in receivers if w not in counts]
            receivers = [self.unk] if self.unk is not None else unseen or receivers
        return own.get(word, 0.0) + (rest / len(receivers) if word in receivers else 0.0)

"""Each way to smooth from its textbook definition, one probability at a time: slow, short, nothing shared.

Knows lists of ids and dictionaries; takes no function from the package that it referees. What was fitted
(weights, discounts) is given from outside: whether it is the best is tested elsewhere.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

Gram = tuple[int, ...]
Split = tuple[dict[int, float], float]
"""What each word keeps of its count after a context, and what the context gives to the shorter one."""


class Definition:
    """A model of sentences (lists of ids without bos and eos).

    Args:
        split: from order, context and the counts after it to what is kept and what is given.
        back_off: the shorter context is asked for unseen words only, and its answer is scaled.
        counted: from the occurrences of each order to the counts that are split.
    """

    def __init__(
        self,
        sentences: Sequence[Sequence[int]],
        *,
        order: int,
        size: int,
        bos: int,
        eos: int,
        unk: int | None,
        split: Callable[[int, Gram, dict[int, float]], Split],
        prune: Sequence[int] = (0,),
        interpolate_unigrams: bool = True,
        back_off: bool = False,
        counted: Callable[["Definition"], list[dict[Gram, float]]] | None = None,
    ) -> None:
        self.order, self.size, self.bos, self.unk = order, size, bos, unk
        self.split, self.back_off, self.interpolate_unigrams = split, back_off, interpolate_unigrams
        self.thresholds = [*prune, *[prune[-1]] * order][:order]
        padded = [(bos, *sentence, eos) for sentence in sentences]
        self.raw = [
            Counter(s[i : i + n] for s in padded for i in range(len(s) - n + 1)) for n in range(1, order + 1)
        ]
        self.raw[0].pop((bos,), None)
        self.counts = counted(self) if counted else [dict(counter) for counter in self.raw]
        self.probability = cache(self._probability)
        self.own = cache(self._own)

    def after(self, context: Gram) -> dict[int, float]:
        """The count of each word after a context."""
        n = len(context) + 1
        return {gram[-1]: c for gram, c in self.counts[n - 1].items() if gram[:-1] == context}

    def _own(self, context: Gram) -> tuple[dict[int, float], float] | None:
        """Each word's own share after a context, and what is handed down; `None` where nothing was seen."""
        after, n = self.after(context), len(context) + 1
        if not after:
            return None
        kept, given = self.split(n, context, after)
        total = sum(kept.values()) + given
        if not total:
            return None
        own = {
            w: mass / total
            for w, mass in kept.items()
            if n == 1 or self.raw[n - 1][*context, w] > self.thresholds[n - 1]
        }
        return own, 1 - sum(own.values())

    def _probability(self, word: int, context: Gram | None) -> float:
        """P(word | context), of which the last `order - 1` words count; `None` is below the single words."""
        if context is None:
            return self.below(word)
        context = context[max(0, len(context) - self.order + 1) :]
        shorter = context[1:] if context else None
        found = self.own(context)
        if found is None:
            return self.probability(word, shorter)
        own, rest = found
        if not self.back_off:
            return own.get(word, 0.0) + rest * self.probability(word, shorter)
        seen = {w for w, share in own.items() if share > 0}
        unseen = sum(self.probability(w, shorter) for w in range(self.size) if w not in seen)
        if unseen == 0:
            return own.get(word, 0.0) / sum(own.values())
        return own[word] if word in seen else rest * self.probability(word, shorter) / unseen

    def below(self, word: int) -> float:
        """The distribution below the single words."""
        receivers = [w for w in range(self.size) if w != self.bos]
        if not self.interpolate_unigrams:
            unseen = [w for w in receivers if (w,) not in self.raw[0]]
            receivers = [self.unk] if self.unk is not None else unseen or receivers
        return 1 / len(receivers) if word in receivers else 0.0


def in_contexts(model: Definition) -> list[dict[Gram, float]]:
    """Kneser and Ney's counts: in how many contexts, but for the highest order and what bos opens."""
    found = []
    for n in range(1, model.order):
        contexts = Counter(gram[1:] for gram in model.raw[n])
        found.append({g: c if g[0] == model.bos else contexts[g] for g, c in model.raw[n - 1].items()})
    return [*found, dict(model.raw[-1])]


def at_tables(exponent: float) -> Callable[[Definition], list[dict[Gram, float]]]:
    """Customers of a Chinese restaurant franchise whose words sit at c^exponent tables."""

    def counted(model: Definition) -> list[dict[Gram, float]]:
        found: list[dict[Gram, float]] = [dict(model.raw[-1])]
        for n in range(model.order - 1, 0, -1):
            sent: Counter[Gram] = Counter()
            for gram, customers in found[0].items():
                sent[gram[1:]] += customers**exponent  # type: ignore[assignment]
            found.insert(0, {g: c if g[0] == model.bos else sent[g] for g, c in model.raw[n - 1].items()})
        return found

    return counted


def maximum_likelihood(n: int, context: Gram, after: dict[int, float]) -> Split:
    return after, 0.0


def add_k(k: float, order: int, size: int, bos: int) -> Callable[[int, Gram, dict[int, float]], Split]:
    def split(n: int, context: Gram, after: dict[int, float]) -> Split:
        complete = n == order or context[:1] == (bos,)
        return (after, k * (size - 1)) if complete else ({}, 0.0)

    return split


def witten_bell(n: int, context: Gram, after: dict[int, float]) -> Split:
    return after, float(len(after))


def discounted(discounts: Sequence[Sequence[float]]) -> Callable[[int, Gram, dict[int, float]], Split]:
    def split(n: int, context: Gram, after: dict[int, float]) -> Split:
        of_order = discounts[n - 1]
        taken = {w: of_order[min(int(c), len(of_order)) - 1] for w, c in after.items()}
        return {w: c - taken[w] for w, c in after.items()}, sum(taken.values())

    return split


def good_turing(ratios: Sequence[Sequence[float] | None]) -> Callable[[int, Gram, dict[int, float]], Split]:
    def split(n: int, context: Gram, after: dict[int, float]) -> Split:
        of_order = ratios[n - 1]
        if of_order is None:
            return {w: c - 0.5 for w, c in after.items()}, 0.5 * len(after)
        kept = {w: c * of_order[int(c) - 1] if c <= len(of_order) else c for w, c in after.items()}
        freed = sum(after.values()) - sum(kept.values())
        return kept, 1.0 if all(c > len(of_order) for c in after.values()) else freed

    return split


def binned(weights: Sequence[Sequence[float]]) -> Callable[[int, Gram, dict[int, float]], Split]:
    def split(n: int, context: Gram, after: dict[int, float]) -> Split:
        total = sum(after.values())
        of_order = weights[n - 1]
        weight = of_order[min(int(total).bit_length() - 1, len(of_order) - 1)]
        return {w: weight * c for w, c in after.items()}, (1 - weight) * total

    return split


def franchise(
    exponent: float, discounts: Sequence[float], strengths: Sequence[float]
) -> Callable[[int, Gram, dict[int, float]], Split]:
    def split(n: int, context: Gram, after: dict[int, float]) -> Split:
        tables = {w: c**exponent for w, c in after.items()}
        kept = {w: c - discounts[n - 1] * tables[w] for w, c in after.items()}
        return kept, strengths[n - 1] + discounts[n - 1] * sum(tables.values())

    return split


class StupidScores(Definition):
    """Brants' scores, and the probabilities that they make: those of a context divided by their sum."""

    def __init__(self, sentences: Sequence[Sequence[int]], *, alpha: float = 0.4, **settings: object) -> None:
        super().__init__(sentences, split=maximum_likelihood, **settings)  # type: ignore[arg-type]
        self.alpha = alpha
        self.score = cache(self._score)

    def _score(self, word: int, context: Gram | None) -> float:
        if context is None:
            return self.below(word)
        context = context[max(0, len(context) - self.order + 1) :]
        shorter = context[1:] if context else None
        own, _ = self.own(context) or ({}, 1.0)
        return own[word] if word in own else self.alpha * self.score(word, shorter)

    def _probability(self, word: int, context: Gram | None) -> float:
        return self.score(word, context) / sum(self.score(w, context) for w in range(self.size))

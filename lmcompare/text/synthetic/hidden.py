"""Hidden Markov languages: an unseen state moves on, and says a word at each step.

The best reader keeps what it believes of the state (the forward algorithm, Rabiner 1989, equation 20,
normalised at each word). No n-gram of any order can. Knows nothing of how sentences are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lmcompare.text.synthetic.process import Array, Index, Process


class Hidden(Process):
    """A hidden Markov model.

    Args:
        symbols: the words.
        start: probabilities of the first state.
        moves: P(next state | state), rows sum to one.
        says: P(word | state), `[states, symbols]`, rows sum to one.
        end: probability of the sentence's end after each word, whatever the state.
    """

    kinds = ("hidden-word", "end")

    def __init__(self, symbols: Sequence[str], start: Array, moves: Array, says: Array, end: float) -> None:
        self.symbols, self.end = tuple(symbols), end
        self._start, self._moves, self._says = start, moves, says

    def begin(self, rows: int) -> Array:
        """What is believed of the state that says the next word; last, whether a word was said."""
        return np.tile(np.append(self._start, 0.0), (rows, 1))

    def probabilities(self, state: Array) -> Array:
        """See `Process.probabilities`."""
        said = state[:, -1:]
        end = said * self.end
        return np.concatenate([(1 - end) * (state[:, :-1] @ self._says), end], axis=1)

    def advance(self, state: Array, symbols: Index) -> Array:
        """One step of the forward algorithm."""
        joint = state[:, :-1] * self._says[:, symbols].T
        belief = joint / joint.sum(axis=1, keepdims=True)
        return np.concatenate([belief @ self._moves, np.ones((len(state), 1))], axis=1)

    def kinds_of(self, state: Array) -> Index:
        """See `Process.kinds_of`."""
        kinds = np.zeros((len(state), len(self.symbols) + 1), dtype=np.int64)
        kinds[:, -1] = 1
        return kinds


def hidden(
    states: Mapping[str, tuple[float, Mapping[str, float], Mapping[str, float]]], end: float
) -> Hidden:
    """The model of named states.

    Args:
        states: name -> weight at the start, weights of the next states by name, weights of the words.
        end: probability of the sentence's end after each word.
    """
    names = list(states)
    symbols = list(dict.fromkeys(word for _, _, words in states.values() for word in words))
    start = np.array([weight for weight, _, _ in states.values()], dtype=np.float64)
    moves = np.array([[after.get(name, 0.0) for name in names] for _, after, _ in states.values()])
    says = np.array([[words.get(symbol, 0.0) for symbol in symbols] for _, _, words in states.values()])
    start, moves, says = (array / array.sum(axis=-1, keepdims=True) for array in (start, moves, says))
    return Hidden(symbols, start, moves, says, end)

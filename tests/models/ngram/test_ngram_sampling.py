import numpy as np
import pytest
from scipy import stats
from tiny_texts import document, word_tokenizer

from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel

TEXT = [s.split() for s in ("a b c a b", "a b d", "b c a d", "c a b c", "d d a", "a c b", "e a b c a") * 2]


def model(order: int, **options: object) -> NgramModel:
    tokenizer = word_tokenizer(TEXT)
    return train_ngram(
        [document(tokenizer, TEXT)], tokenizer, NgramOptions(order=order, curve=False, **options)
    )


@pytest.mark.parametrize(
    ("order", "options"),
    [(1, {}), (2, {}), (3, {}), (4, {}), (3, {"prune": [0, 0, 1]}), (3, {"smoothing": "katz"})],
)
def test_the_first_draws_have_the_models_own_distribution(order: int, options: dict[str, object]) -> None:
    made = model(order, **options)
    draws = 20_000
    for text in ("", "a b", "c a", "d e"):
        context = np.concatenate([np.zeros(0, dtype=np.int64), made.tokenizer.encode(text).ids])
        found = made.sample([context] * draws, 1, [[7, row] for row in range(draws)])[:, 0]
        expected = draws * np.exp(made.next_logprobs([context])[0])
        counts = np.bincount(found, minlength=len(expected)).astype(float)
        assert counts[expected < 1e-9].sum() == 0
        often = expected > 5
        rest = [counts[~often].sum()], [expected[~often].sum()]
        seen = np.append(counts[often], rest[0]), np.append(expected[often], rest[1])
        keep = seen[1] > 0
        scaled = seen[1][keep] * draws / seen[1][keep].sum()
        assert stats.chisquare(seen[0][keep], scaled).pvalue > 1e-4


def test_later_draws_follow_the_context_that_was_drawn() -> None:
    made = model(3)
    rows = made.sample([np.zeros(0, dtype=np.int64)] * 3000, 6, [[1, row] for row in range(3000)])
    eos, counts, chances = made.tokenizer.eos, np.zeros(2), np.zeros(2)
    for position in range(1, 6):
        said = np.exp(made.next_logprobs(list(rows[:, :position])))
        counts += [np.sum(rows[:, position] == eos), np.sum(rows[:, position] == rows[0, 0])]
        chances += [said[:, eos].sum(), said[:, rows[0, 0]].sum()]
    np.testing.assert_allclose(counts, chances, atol=4.5 * np.sqrt(chances.max()))


def test_a_rows_draws_depend_on_its_seed_alone() -> None:
    made = model(4)
    empty = np.zeros(0, dtype=np.int64)
    together = made.sample([empty, np.array([3, 4]), empty], 30, [[5, 0], [5, 1], [5, 2]])
    np.testing.assert_array_equal(made.sample([np.array([3, 4])], 30, [[5, 1]])[0], together[1])
    np.testing.assert_array_equal(made.sample([empty], 10, [[5, 2]])[0], together[2, :10])
    assert not np.array_equal(together[0], together[2])
    assert not (together == made.tokenizer.bos).any()

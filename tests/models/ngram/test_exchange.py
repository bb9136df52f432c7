from collections import Counter

import numpy as np

from lmcompare.models.ngram.exchange import BOS, EOS, FIRST, UNSEEN, count_pairs, find_classes, log_likelihood

SIZE = 20


def planted(seed: int = 0) -> list[np.ndarray]:
    """Documents in which words of three kinds (3-8, 9-13, 14-18) follow each other by kind alone."""
    rng = np.random.default_rng(seed)
    kinds = [np.arange(3, 9), np.arange(9, 14), np.arange(14, 19)]
    follow = np.array([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
    documents = []
    for _ in range(20):
        document = []
        for _ in range(20):
            kind = 0
            for _ in range(8):
                document.append(int(rng.choice(kinds[kind])))
                kind = int(rng.choice(3, p=follow[kind]))
            document.append(1)
        documents.append(np.array(document))
    return documents


def pairs_of(documents: list[np.ndarray]) -> list[tuple[int, int]]:
    pairs = []
    for document in documents:
        before = 0
        for token in document.tolist():
            pairs.append((before, token))
            before = 0 if token == 1 else token
    return pairs


def likelihood(documents: list[np.ndarray], found: np.ndarray) -> float:
    """Sum of log p(c(w) | c(v)) + log p(w | c(w)) over the text, by dictionaries."""
    pairs = pairs_of(documents)
    both = Counter((found[a], found[b]) for a, b in pairs)
    left, right = Counter(found[a] for a, _ in pairs), Counter(found[b] for _, b in pairs)
    words = Counter(b for _, b in pairs)
    return sum(
        np.log(both[found[a], found[b]] / left[found[a]]) + np.log(words[b] / right[found[b]])
        for a, b in pairs
    )


def classes_of(documents: list[np.ndarray], classes: int, rounds: int) -> np.ndarray:
    return find_classes(documents, SIZE, 0, 1, classes=classes, rounds=rounds)


def test_pairs_are_those_within_sentences() -> None:
    after, before = count_pairs([np.array([3, 4, 1, 3]), np.array([4])], SIZE, 0, 1)
    assert after.others[after.starts[0] : after.starts[1]].tolist() == [3, 4]
    assert after.counts[after.starts[0] : after.starts[1]].tolist() == [2, 1]
    assert before.others[before.starts[4] : before.starts[5]].tolist() == [0, 3]


def test_what_is_maximised_is_the_likelihood_of_the_class_bigram_model() -> None:
    documents = planted()
    after, _ = count_pairs(documents, SIZE, 0, 1)
    one, other = classes_of(documents, 4, 0), classes_of(documents, 3, 5)
    by_tables = log_likelihood(after, other) - log_likelihood(after, one)
    np.testing.assert_allclose(
        by_tables, likelihood(documents, other) - likelihood(documents, one), rtol=1e-9
    )


def test_no_round_lowers_the_likelihood_and_at_the_end_no_word_wants_to_move() -> None:
    documents = planted()
    after, _ = count_pairs(documents, SIZE, 0, 1)
    reached = [log_likelihood(after, classes_of(documents, 4, rounds)) for rounds in range(8)]
    assert np.all(np.diff(reached) >= -1e-6)
    assert reached[-1] > reached[0] + 1
    settled = classes_of(documents, 4, 50)
    best = log_likelihood(after, settled)
    for word in range(3, 19):
        for group in range(FIRST, FIRST + 4):
            moved = settled.copy()
            moved[word] = group
            assert log_likelihood(after, moved) <= best + 1e-6


def test_kinds_that_were_planted_are_found() -> None:
    found = classes_of(planted(), 3, 20)
    groups = [set(found[3:9]), set(found[9:14]), set(found[14:19])]
    assert [len(group) for group in groups] == [1, 1, 1]
    assert len(set.union(*groups)) == 3


def test_sentence_ends_and_unseen_ids_have_classes_of_their_own() -> None:
    found = classes_of(planted(), 3, 5)
    assert (found[0], found[1]) == (BOS, EOS)
    assert found[[2, 19]].tolist() == [UNSEEN, UNSEEN]
    assert (found[3:19] >= FIRST).all()


def test_with_as_many_classes_as_words_each_word_is_alone() -> None:
    found = classes_of(planted(), 16, 5)
    assert len(set(found[3:19])) == 16


def test_a_word_that_follows_itself_is_counted_once() -> None:
    """The one place of the tables where a word meets itself: the moves still never lower the likelihood."""
    rng = np.random.default_rng(1)
    documents = [np.append(np.repeat(rng.integers(3, 9, 60), rng.integers(1, 5, 60)), 1) for _ in range(10)]
    after, _ = count_pairs(documents, SIZE, 0, 1)
    reached = [log_likelihood(after, classes_of(documents, 2, rounds)) for rounds in range(6)]
    assert np.all(np.diff(reached) >= -1e-6)
    settled = classes_of(documents, 2, 50)
    for word in range(3, 9):
        moved = settled.copy()
        moved[word] = 2 * FIRST + 1 - settled[word]
        assert log_likelihood(after, moved) <= log_likelihood(after, settled) + 1e-6

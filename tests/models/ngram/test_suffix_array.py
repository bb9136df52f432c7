from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmcompare.errors import InputError
from lmcompare.interface import Ids, Policy
from lmcompare.models.ngram import suffix_kernels
from lmcompare.models.ngram.suffix_array import SuffixArray

BOS, EOS, SIZE = 0, 1, 5
POLICIES = st.sampled_from(["sentence", "document"])
TEXTS = st.lists(st.lists(st.integers(EOS, SIZE - 1), max_size=12), min_size=1, max_size=5).filter(any)
NGRAMS = st.lists(st.lists(st.integers(BOS, SIZE - 1), min_size=1, max_size=5), max_size=6)
WIKITEXT = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "wikitext-2" / "train.txt"

Text = list[list[int]]


def arrays(text: Text) -> list[Ids]:
    return [np.array(document, dtype=np.int64) for document in text]


def built(text: Text, policy: Policy = "sentence") -> SuffixArray:
    return SuffixArray.build(arrays(text), bos=BOS, eos=EOS, size=SIZE, policy=policy)


def pieces(text: Text, policy: Policy) -> list[tuple[int, int, list[int]]]:
    """Document, place in it and tokens of each piece, its bos first."""
    found = []
    for number, document in enumerate(text):
        start = 0
        for place, token in enumerate(document, 1):
            if (token == EOS and policy == "sentence") or place == len(document):
                found.append((number, start, [BOS, *document[start:place]]))
                start = place
    return found


def occurrences(text: Text, policy: Policy) -> Counter[tuple[int, ...]]:
    return Counter(
        tuple(piece[i:j])
        for _, _, piece in pieces(text, policy)
        for i in range(len(piece))
        for j in range(i + 1, len(piece) + 1)
    )


@settings(deadline=None)
@given(TEXTS, POLICIES)
def test_suffixes_are_sorted_and_equal_ones_stand_in_the_order_of_the_text(
    text: Text, policy: Policy
) -> None:
    suffixes = [
        piece[i:] for _, _, piece in pieces(text, policy) for i in range(len(piece))
    ]  # a list is less than any longer one that it begins
    expected = sorted(range(len(suffixes)), key=lambda place: (suffixes[place], place))
    assert built(text, policy).suffixes.tolist() == expected


@settings(deadline=None)
@given(TEXTS, POLICIES, NGRAMS)
def test_every_ngram_is_counted_as_often_as_it_stands_in_a_piece(
    text: Text, policy: Policy, others: Text
) -> None:
    index, expected = built(text, policy), occurrences(text, policy)
    ngrams = [*expected, *map(tuple, others)]
    counts = index.count([np.array(ngram) for ngram in ngrams])
    assert counts.tolist() == [expected[ngram] for ngram in ngrams]


@settings(deadline=None)
@given(TEXTS, POLICIES, st.integers(1, 3), st.integers(0, 4))
def test_every_place_of_an_ngram_is_found_and_its_surroundings_are_the_text(
    text: Text, policy: Policy, limit: int, width: int
) -> None:
    index = built(text, policy)
    for ngram in occurrences(text, policy):
        expected = []
        for number, start, piece in pieces(text, policy):
            for i in range(len(piece) - len(ngram) + 1):
                if tuple(piece[i : i + len(ngram)]) == ngram:
                    expected.append((number, start + max(i - 1, 0)))
        documents, places = index.locate(np.array(ngram))
        assert list(zip(documents.tolist(), places.tolist(), strict=True)) == expected
        documents, places = index.locate(np.array(ngram), limit)
        assert list(zip(documents.tolist(), places.tolist(), strict=True)) == expected[:limit]
        document, place = expected[0]
        around = index.around(document, place, width, width + 1).tolist()
        assert around == text[document][max(0, place - width) : place + width + 1]


@settings(deadline=None)
@given(TEXTS, TEXTS, POLICIES)
def test_the_match_at_each_token_is_the_longest_ngram_that_ends_there_and_was_seen(
    text: Text, other: Text, policy: Policy
) -> None:
    seen = occurrences(text, policy)
    matches = built(text, policy).matches(arrays(other))
    expected: list[list[int]] = [[] for _ in other]
    for document, _, piece in pieces(other, policy):
        for end in range(2, len(piece) + 1):
            lengths = [end - i for i in range(end) if tuple(piece[i:end]) in seen]
            expected[document].append(max(lengths, default=0))
    assert [match.tolist() for match in matches] == expected


@settings(deadline=None)
@given(TEXTS, POLICIES)
def test_common_prefixes_are_those_of_neighbours(text: Text, policy: Policy) -> None:
    index = built(text, policy)
    lcp = np.empty(len(index.ids) + 1, dtype=np.int32)
    suffix_kernels.common_prefixes(index.symbols, index.suffixes, lcp)
    whole = [piece[i:] for _, _, piece in pieces(text, policy) for i in range(len(piece))]
    ordered = [whole[place] for place in index.suffixes]
    expected = [
        next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        for a, b in zip(ordered, ordered[1:], strict=False)
    ]
    assert lcp.tolist() == [-1, *expected, -1]


@settings(deadline=None)
@given(TEXTS, POLICIES, st.integers(0, 4))
def test_repeats_know_how_many_words_stand_before_and_after_them(
    text: Text, policy: Policy, order: int
) -> None:
    index, seen = built(text, policy), occurrences(text, policy)
    n = len(index.ids)
    lcp, kinds, follow = np.empty(n + 1, np.int32), np.zeros(n, np.int32), np.zeros((n, 4), np.int32)
    tallies = np.zeros(((order or 6) + 1, 5), dtype=np.int64)
    suffix_kernels.common_prefixes(index.symbols, index.suffixes, lcp)
    text_arrays = (index.symbols, index.suffixes, lcp)
    number = suffix_kernels.repeats(*text_arrays, SIZE, order, kinds, follow, tallies)

    before = Counter(ngram[1:] for ngram in seen)
    adjusted = {
        ngram: count if ngram[0] == BOS or len(ngram) == order else before[ngram]
        for ngram, count in seen.items()
        if ngram != (BOS,) and (not order or len(ngram) <= order)
    }
    expected = np.zeros_like(tallies)
    for ngram, count in adjusted.items():
        if len(ngram) < len(tallies) and count <= 4:
            expected[len(ngram), count] += 1
    assert tallies.tolist() == expected.tolist()

    after: dict[tuple[int, ...], list[int]] = {}
    for ngram, count in adjusted.items():
        after.setdefault(ngram[:-1], []).append(count)
    assert number <= n
    for ngram, counts in after.items():
        if ngram and len(counts) > 1:
            low, high = np.zeros((2, 1), dtype=np.int64)
            suffix_kernels.find(
                *text_arrays[:2],
                index.firsts,
                np.array(ngram, np.int32),
                np.array([0, len(ngram)]),
                low,
                high,
            )
            node = suffix_kernels.repeat_at(lcp, low[0], high[0])
            ones, twos = counts.count(1), counts.count(2)
            assert follow[node].tolist() == [sum(counts), ones, twos, len(counts) - ones - twos]
            if not order or len(ngram) < order:
                assert kinds[node] == (seen[ngram] if ngram[0] == BOS else before[ngram])


def test_a_document_without_sentences_has_none_of_the_places() -> None:
    index = built([[], [2, 1], [], [], [3, 1], []])
    assert [found.tolist() for found in index.locate(np.array([3]))] == [[4], [0]]
    assert index.around(4, 0, 5, 5).tolist() == [3, 1]


def test_a_long_repeat_is_sorted_in_few_rounds() -> None:
    text = [np.append(np.full(60_000, 2), EOS)]
    index = SuffixArray.build(text, bos=BOS, eos=EOS, size=SIZE)
    assert index.count([np.full(50_000, 2), np.full(60_001, 2)]).tolist() == [10_001, 0]


def test_what_cannot_be_indexed_or_asked_is_told() -> None:
    with pytest.raises(InputError, match="empty"):
        built([[]])
    with pytest.raises(InputError, match="id 5"):
        built([[5, 1]])
    with pytest.raises(InputError, match="at least one token"):
        built([[2, 1]]).count([np.zeros(0, dtype=int)])


@pytest.mark.slow
@pytest.mark.skipif(not WIKITEXT.exists(), reason="needs ../shared/data/wikitext-2")
def test_two_million_words_are_sorted_and_counted_exactly() -> None:
    words: dict[str, int] = {}
    ids = []
    for line in WIKITEXT.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
        ids += [words.setdefault(word, len(words) + 2) for word in line.split()] + [EOS]
    text = np.array(ids, dtype=np.int32)
    index = SuffixArray.build([text], bos=BOS, eos=EOS, size=len(words) + 2, policy="document")
    for n in (2, 6):
        windows = np.lib.stride_tricks.sliding_window_view(text, n)[::101]
        wanted = {window.tobytes() for window in windows}
        all_windows = np.lib.stride_tricks.sliding_window_view(text, n)
        counts = Counter(key for key in map(bytes, np.ascontiguousarray(all_windows)) if key in wanted)
        assert index.count(list(windows)).tolist() == [counts[window.tobytes()] for window in windows]

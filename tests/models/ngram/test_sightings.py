import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmcompare.errors import InputError
from lmcompare.models.ngram.sightings import sightings
from lmcompare.models.ngram.suffix_array import SuffixArray

BOS, EOS, SIZE = 0, 1, 6
LINES = st.lists(st.integers(2, 4), max_size=5).map(lambda words: [*words, EOS])
DOCUMENTS = st.lists(
    st.lists(LINES, max_size=4).map(lambda lines: sum(lines, [])), min_size=1, max_size=4
).filter(any)
POLICIES = st.sampled_from(["sentence", "document"])


def built(documents: list[list[int]], policy: str = "sentence") -> SuffixArray:
    arrays = [np.array(document, dtype=np.int64) for document in documents]
    return SuffixArray.build(arrays, bos=BOS, eos=EOS, size=SIZE, policy=policy)  # type: ignore[arg-type]


def pieces(document: list[int], policy: str) -> list[list[int]]:
    """What context never crosses, `bos` in front of each."""
    if policy == "document":
        return [[BOS, *document]] if document else []
    parts, part = [], [BOS]
    for token in document:
        part.append(token)
        if token == EOS:
            parts, part = [*parts, part], [BOS]
    return parts + ([part] if len(part) > 1 else [])


def occurrences(documents: list[list[int]], end: list[int], policy: str) -> list[tuple[int, int]]:
    """The document and the sentence of each place at which an ending starts."""
    found = []
    for number, document in enumerate(documents):
        sentence = 0
        for piece in pieces(document, policy):
            for place in range(len(piece)):
                if piece[place : place + len(end)] == end:
                    found.append((number, sentence + piece[:place].count(EOS)))
            sentence += piece.count(EOS)
    return found


@settings(deadline=None, max_examples=150)
@given(DOCUMENTS, LINES, LINES, st.booleans(), POLICIES)
def test_ends_are_found_where_a_search_finds_them(
    documents: list[list[int]], first: list[int], second: list[int], open_: bool, policy: str
) -> None:
    read = [*first, *second]
    read = read[:-1] if open_ and len(read) > 1 else read
    index = built(documents, policy)
    last = pieces(read, policy)[-1]
    expected: list[tuple[list[int], int, int, int]] = []
    for length in range(len(last), 0, -1):
        places = occurrences(documents, last[-length:], policy)
        if places and (not expected or len(places) != expected[-1][1]):
            expected.append((last[-length:], len(places), *places[0]))
    found = sightings(index, np.array(read), most=100, around=3)
    assert [(list(s.tokens), s.times, s.document, s.sentence) for s in found] == expected
    for one in found:
        text = [*one.before, *(token for token in one.tokens if token != BOS), *one.after]
        document = documents[one.document]
        assert any(document[i : i + len(text)] == text for i in range(len(document)))
        assert len(one.before) <= 3 and len(one.after) <= 3


def test_only_the_longest_are_listed_and_their_surroundings_are_the_text() -> None:
    index = built([[2, 3, 4, EOS], [4, 3, 4, 2, EOS]])
    found = sightings(index, np.array([2, EOS, 5, 3, 4]), most=1, around=1)
    assert [(s.tokens, s.times, s.document, s.before, s.after) for s in found] == [
        ((3, 4), 2, 0, (2,), (EOS,))
    ]
    assert len(sightings(index, np.array([5, 3, 4]))) == 2  # "4" alone occurs once more
    assert sightings(index, np.array([3, 5])) == []


def test_an_empty_text_is_refused() -> None:
    index = built([[2, EOS]])
    with pytest.raises(InputError, match="the text is empty"):
        sightings(index, np.zeros(0, dtype=np.int64))

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lmcompare.errors import InputError
from lmcompare.interface import Tokenizer
from lmcompare.text.tokenizers import TokenizerOptions, build, from_json
from lmcompare.text.tokenizers.ordered import in_text_order, order_of, reading_places

TEXT = [
    "the cat sat on the mat",
    "  two  spaces\tand a tab ",
    "",
    "我今天去超市买了苹果。",
    "é ñ 🙂 <unk> </s>",
]
KINDS = ["byte", "char", "word", "bpe"]
ORDERS = ["reversed", "shuffled"]


def make(kind: str, order: str) -> Tokenizer:
    size = {"size": 300} if kind == "bpe" else {}
    return build(TokenizerOptions(kind=kind, order=order, **size), TEXT)


@pytest.fixture(scope="module", params=list(itertools.product(KINDS, ORDERS)), ids="-".join)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return make(*request.param)


def slow_shuffle(length: int) -> list[int]:
    """The documented rule with Python's own integers."""

    def mixed(number: int) -> int:
        z = (number + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    return sorted(range(length), key=lambda place: mixed(2**32 * length + place))


def test_it_keeps_the_protocol_and_the_vocabulary(tokenizer: Tokenizer) -> None:
    inner = in_text_order(tokenizer)
    assert isinstance(tokenizer, Tokenizer)
    assert tokenizer.fingerprint != inner.fingerprint
    assert (tokenizer.size, tokenizer.bos, tokenizer.eos, tokenizer.unk, tokenizer.kind, tokenizer.lossy) == (
        inner.size, inner.bos, inner.eos, inner.unk, inner.kind, inner.lossy,
    )  # fmt: skip
    assert [tokenizer.token(i) for i in range(5)] == [inner.token(i) for i in range(5)]


def test_a_document_is_its_sentences_each_with_eos(tokenizer: Tokenizer) -> None:
    expected = np.concatenate([[*tokenizer.encode(s).ids, tokenizer.eos] for s in TEXT])
    np.testing.assert_array_equal(tokenizer.encode_document(TEXT), expected)
    assert len(tokenizer.encode_document([])) == 0


def test_each_sentence_is_the_documented_permutation_of_the_text(tokenizer: Tokenizer) -> None:
    for sentence in TEXT:
        written = in_text_order(tokenizer).encode(sentence).ids
        length = len(written)
        rule = range(length)[::-1] if order_of(tokenizer) == "reversed" else slow_shuffle(length)
        np.testing.assert_array_equal(tokenizer.encode(sentence).ids, written[list(rule)])


def test_spans_say_which_bytes_each_token_stands_for(tokenizer: Tokenizer) -> None:
    for sentence in TEXT:
        encoding, plain = tokenizer.encode(sentence), in_text_order(tokenizer).encode(sentence)
        np.testing.assert_array_equal(encoding.offsets, plain.offsets)
        assert encoding.spans.shape == (len(encoding.ids), 2)
        spans = dict(zip(map(tuple, plain.spans.tolist()), plain.ids.tolist(), strict=True))
        if len(set(map(tuple, plain.spans.tolist()))) == len(plain.ids):
            assert [spans[tuple(span)] for span in encoding.spans.tolist()] == encoding.ids.tolist()
        covered = sorted(map(tuple, encoding.spans.tolist()))
        assert [a for a, _ in covered] == plain.offsets[:-1].tolist()


def test_text_comes_back_as_it_was_written(tokenizer: Tokenizer) -> None:
    inner = in_text_order(tokenizer)
    assert tokenizer.decode(tokenizer.encode_document(TEXT)) == inner.decode(inner.encode_document(TEXT))
    for sentence in TEXT:
        assert tokenizer.decode(tokenizer.encode(sentence).ids) == inner.decode(inner.encode(sentence).ids)
    assert tokenizer.decode([]) == ""
    with_bos = [tokenizer.bos, *tokenizer.encode_document(TEXT[:2])]
    assert tokenizer.decode(with_bos) == inner.decode(inner.encode_document(TEXT[:2]))


def test_a_tail_is_taken_for_a_whole_sentence(tokenizer: Tokenizer) -> None:
    ids = [*tokenizer.encode_document(TEXT[:1]), *tokenizer.encode(TEXT[3]).ids]
    inner = in_text_order(tokenizer)
    assert tokenizer.decode(ids) == inner.decode(
        [*inner.encode_document(TEXT[:1]), *inner.encode(TEXT[3]).ids]
    )


def test_json_gives_the_same_event_space(tokenizer: Tokenizer) -> None:
    again = from_json(tokenizer.to_json())
    assert again.fingerprint == tokenizer.fingerprint and order_of(again) == order_of(tokenizer)
    np.testing.assert_array_equal(again.encode_document(TEXT), tokenizer.encode_document(TEXT))


@given(st.lists(st.integers(0, 40), max_size=12), st.booleans())
@settings(deadline=None)
def test_many_sentences_are_ordered_as_one_by_one(lengths: list[int], closed: bool) -> None:
    for order in ("forward", "reversed", "shuffled"):
        expected, start = [], 0
        for length in lengths:
            rule = {"forward": list(range(length)), "reversed": list(range(length))[::-1]}
            expected += [start + place for place in rule.get(order, slow_shuffle(length))]
            expected += [start + length] * closed
            start += length + closed
        assert reading_places(np.array(lengths, dtype=int), order, closed=closed).tolist() == expected


def test_shuffling_is_neither_of_the_other_orders_and_moves_most_neighbours_apart() -> None:
    places = reading_places(np.array([30]), "shuffled")
    assert sorted(places.tolist()) == list(range(30))
    assert np.mean(np.abs(np.diff(places)) == 1) < 0.2


def test_forward_is_the_tokenizer_itself() -> None:
    plain = build(TokenizerOptions(kind="word"), TEXT)
    assert type(plain).__name__ == "WordTokenizer" and "order" not in plain.to_json()
    np.testing.assert_array_equal(plain.encode(TEXT[0]).spans[:, 1], plain.encode(TEXT[0]).offsets[1:])


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValidationError):
        TokenizerOptions(kind="word", order="upwards")
    stored = {**make("word", "reversed").to_json(), "order": "upwards"}
    with pytest.raises(InputError, match="no reading order 'upwards'"):
        from_json(stored)

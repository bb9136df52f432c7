import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmcompare.errors import InputError
from lmcompare.interface import Tokenizer
from lmcompare.text.tokenizers import TokenizerOptions, build, from_json

TEXT = [
    "the cat sat on the mat",
    "  two  spaces\tand a tab ",
    "",
    "我今天去超市买了苹果。",
    "é ñ 🙂 <unk> </s>",
]
KINDS = ["byte", "char", "word", "bpe"]
LINE = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=40)


def options(kind: str) -> TokenizerOptions:
    return TokenizerOptions(kind=kind, size=300) if kind == "bpe" else TokenizerOptions(kind=kind)


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return build(options(request.param), TEXT)


def test_a_tokenizer_keeps_the_protocol(tokenizer: Tokenizer) -> None:
    assert isinstance(tokenizer, Tokenizer)


def test_ids_stay_inside_and_bos_and_eos_never_come_from_encode(tokenizer: Tokenizer) -> None:
    for sentence in TEXT:
        ids = tokenizer.encode(sentence).ids
        assert np.all((ids >= 0) & (ids < tokenizer.size))
        assert tokenizer.bos not in ids and tokenizer.eos not in ids


def test_a_document_is_its_sentences_each_with_eos(tokenizer: Tokenizer) -> None:
    expected = np.concatenate([[*tokenizer.encode(s).ids, tokenizer.eos] for s in TEXT])
    np.testing.assert_array_equal(tokenizer.encode_document(TEXT), expected)
    assert len(tokenizer.encode_document([])) == 0


def test_json_gives_the_same_event_space(tokenizer: Tokenizer) -> None:
    again = from_json(tokenizer.to_json())
    assert again.fingerprint == tokenizer.fingerprint
    np.testing.assert_array_equal(again.encode_document(TEXT), tokenizer.encode_document(TEXT))


@given(LINE)
@settings(deadline=None, max_examples=60)
def test_offsets_cover_every_byte_of_any_line(line: str) -> None:
    for kind in KINDS:
        tokenizer = _TOKENIZERS[kind]
        encoding = tokenizer.encode(line)
        assert encoding.offsets[0] == 0
        assert len(encoding.offsets) == len(encoding.ids) + 1
        assert np.all(np.diff(encoding.offsets) >= 0)
        if len(encoding.ids):
            assert encoding.offsets[-1] == len(line.encode())


@given(LINE)
@settings(deadline=None, max_examples=60)
def test_bytes_and_bpe_lose_nothing_of_any_line(line: str) -> None:
    for kind in ("byte", "bpe"):
        tokenizer = _TOKENIZERS[kind]
        assert tokenizer.decode(tokenizer.encode(line).ids) == line
        assert not tokenizer.lossy


@given(LINE)
@settings(deadline=None, max_examples=60)
def test_characters_that_were_seen_come_back(line: str) -> None:
    tokenizer = build(TokenizerOptions(kind="char"), [line + "x"])
    assert tokenizer.decode(tokenizer.encode(line).ids) == line


def test_specials_are_ids_and_their_spellings_are_ordinary_words() -> None:
    tokenizer = _TOKENIZERS["word"]
    ids = tokenizer.encode("<unk> </s> never-seen").ids
    assert tokenizer.unk not in ids[:2] and tokenizer.eos not in ids
    assert ids[2] == tokenizer.unk


def test_types_stand_by_frequency_then_by_first_occurrence() -> None:
    tokenizer = build(TokenizerOptions(kind="word"), ["b a c", "a c d"])
    assert [tokenizer.token(i) for i in range(3, 7)] == ["a", "c", "b", "d"]


def test_rare_words_and_words_past_the_size_are_unknown() -> None:
    tokenizer = build(TokenizerOptions(kind="word", min_count=2, max_size=4), ["a a a b b c"])
    assert tokenizer.size == 4
    assert tokenizer.encode("a b c").ids.tolist() == [3, 2, 2]


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'word'"):
        build(TokenizerOptions(kind="words"), TEXT)


_TOKENIZERS = {kind: build(options(kind), TEXT) for kind in KINDS}

from __future__ import annotations

import numpy as np
import pytest

from lmcompare.text.tokenizers.bpe import BpeTokenizer
from lmcompare.text.tokenizers.byte import ByteTokenizer
from lmcompare.text.tokenizers.char import CharTokenizer
from lmcompare.text.tokenizers.options import TokenizerOptions
from lmcompare.text.tokenizers.ordered import in_order
from lmcompare.text.tokenizers.unknown import is_unknown, unknown_ids
from lmcompare.text.tokenizers.word import WordTokenizer

TEXT = ["the <unk> cat", "UNK is <UNK> and unk"]


@pytest.mark.parametrize("order", ["forward", "reversed"])
def test_a_word_that_reads_as_the_sign_is_as_unknown_as_one_outside_the_vocabulary(order):
    tokenizer = in_order(WordTokenizer(["the", "<unk>", "<UNK>", "UNK", "is", "unk"]), order)
    ids = tokenizer.encode_document(TEXT)
    assert unknown_ids(tokenizer).tolist() == [2, 4, 5]
    slow = [token in ("<unk>", "<UNK>") for token in map(tokenizer.token, ids.tolist())]
    assert is_unknown(ids, tokenizer).tolist() == slow
    assert sum(slow) == 4  # <unk>, cat, <UNK>, and


def test_without_the_sign_only_the_id_of_the_unknown_is_left():
    assert unknown_ids(WordTokenizer(["the"])).tolist() == [2]
    assert unknown_ids(CharTokenizer(sorted(set("".join(TEXT)) - {" "}))).tolist() == [2]


def test_where_the_sign_is_spelled_nothing_is_unknown():
    bpe = BpeTokenizer.train(TokenizerOptions(kind="bpe", size=300), TEXT * 20)
    for tokenizer in (ByteTokenizer(), bpe):
        assert unknown_ids(tokenizer).tolist() == []
        assert not is_unknown(tokenizer.encode_document(TEXT), tokenizer).any()


def test_no_events_are_no_unknown_events():
    assert is_unknown(np.zeros(0, dtype=np.uint16), WordTokenizer(["a"])).shape == (0,)

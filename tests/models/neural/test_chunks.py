import numpy as np
import pytest

from lmcompare.models.neural import chunks
from lmcompare.models.neural.chunks import cut_out, pieces


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize(("tokens", "longest"), [(1, 100), (7, 100), (100, 3), (1000, 1000)])
def test_each_token_of_each_row_is_read_once_and_in_order(monkeypatch, tokens, longest, ends):
    monkeypatch.setattr(chunks, "ROWS", 3)
    random = np.random.default_rng(0)
    inputs = [random.integers(1, 50, length) for length in (5, 0, 17, 3, 5, 1, 9)]
    read = [[] for _ in inputs]
    for piece in pieces(inputs, tokens=tokens, longest=longest, lookback=3, bos=99, ends=ends):
        assert piece.tokens.shape[1] <= longest
        assert piece.tokens.size <= max(tokens, len(piece.rows))
        for place, row in enumerate(piece.rows):
            assert len(read[row]) == piece.begin
            assert piece.before[place].tolist() == [99, 99, *read[row]][-2:]
            read[row] += piece.tokens[place, : piece.stop[place]].tolist()
            assert not piece.tokens[place, piece.stop[place] :].any()
            if ends and len(read[row]) == len(inputs[row]):
                assert piece.end == len(inputs[row])
    assert read == [row.tolist() for row in inputs]


def test_what_is_cut_out_beyond_a_row_is_filled():
    rows = [np.arange(10, 15), np.arange(20, 22)]
    assert cut_out(rows, np.array([-2, 1]), 4, 7).tolist() == [[7, 7, 10, 11], [21, 7, 7, 7]]
    assert cut_out(rows, np.array([-9, 4]), 2, 7).tolist() == [[7, 7], [7, 7]]

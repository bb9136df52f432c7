import numpy as np
import torch

from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.history import histories
from lmcompare.models.neural.ngram_embedding import MULTIPLIER, SHIFT, NgramEmbedding
from lmcompare.models.neural.options import LstmOptions


def signed(number):
    """A Python integer as 64 bits hold it."""
    return (number + 2**63) % 2**64 - 2**63


def row_of(tokens, rows):
    code = len(tokens)
    for token in tokens:
        code = signed((code ^ (token + 1)) * MULTIPLIER)
        code ^= code >> SHIFT
    return code % rows


def test_rows_are_those_of_the_hash_in_exact_arithmetic():
    table = NgramEmbedding([2, 3], 1000, 4)
    tokens = torch.randint(0, 50_000, (40, 3))
    for length in (2, 3):
        expected = [row_of(history[-length:], 1000) for history in tokens.tolist()]
        assert table.rows_of(tokens, length).tolist() == expected


def test_the_hash_spreads_ngrams_evenly_over_the_rows():
    table = NgramEmbedding([2], 4096, 1)
    a, b = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    counts = np.bincount(table.rows_of(torch.stack([a, b], dim=-1), 2).ravel(), minlength=4096)
    # 16,384 pairs in 4,096 rows: a chi-square of 4,095 degrees of freedom, five standard deviations wide.
    assert abs(((counts - 4) ** 2 / 4).sum() - 4095) < 5 * (2 * 4095) ** 0.5


def test_vectors_are_the_tokens_own_and_one_for_each_ngram():
    torch.manual_seed(0)
    embedding = Embedding(7, 4, 0, LstmOptions(width=4, ngram_embeddings=[2, 3], ngram_rows=30))
    text = histories(torch.randint(0, 7, (2, 5)), None, embedding.lookback, 0)
    assert torch.equal(embedding(text), 2 * embedding.weight[text[..., -1]])  # they say nothing at first
    with torch.no_grad():
        for parameter in embedding.ngrams.parameters():
            parameter.normal_()
    found = embedding(text)
    for row in range(2):
        for place in range(5):
            history = text[row, place].tolist()
            parts = [embedding.ngrams.tables[str(n)][row_of(history[-n:], 30)] for n in (2, 3)]
            torch.testing.assert_close(found[row, place], 2 * (embedding.weight[history[-1]] + sum(parts)))


def test_the_rows_of_a_step_give_the_same_vectors_and_gradients_as_the_tables():
    torch.manual_seed(0)
    embedding = Embedding(7, 4, 0, LstmOptions(width=4, ngram_embeddings=[2], ngram_rows=30))
    torch.nn.init.normal_(embedding.ngrams.tables["2"])
    text = histories(torch.randint(0, 7, (3, 5)), None, 2, 0)
    rows = embedding.take(text, torch.unique(text))
    weights = torch.randn(3, 5, 4)
    whole, taken = embedding(text), embedding(text, rows)
    torch.testing.assert_close(taken, whole)
    (whole * weights).sum().backward()
    (taken * weights).sum().backward()
    for name, ids, leaf in rows.leaves():
        if leaf.grad is not None:
            gradient = embedding.get_parameter(name.removeprefix("embedding.")).grad
            torch.testing.assert_close(leaf.grad, gradient[ids])
            others = torch.ones(len(gradient), dtype=torch.bool)
            others[ids] = False
            assert not gradient[others].any()


def test_ngrams_that_are_left_out_say_nothing_and_the_others_what_they_say_otherwise():
    torch.manual_seed(0)
    embedding = Embedding(50, 4, 0, LstmOptions(width=4, ngram_embeddings=[2, 4], ngram_dropout=0.3))
    table = embedding.ngrams
    for parameter in table.parameters():
        torch.nn.init.normal_(parameter)
    text = histories(torch.randint(0, 50, (40, 50)), None, 4, 0)
    vectors = {n: table.tables[str(n)][table.rows_of(text, n)] for n in (2, 4)}
    # Of each place both, either or none speak, in these shares.
    cases = {"both": vectors[2] + vectors[4], 2: vectors[2], 4: vectors[4], "none": 0 * vectors[2]}
    expected = {"both": 0.49, 2: 0.21, 4: 0.21, "none": 0.09}
    found = table.train()(text)
    seen = {case: (found - value).abs().amax(-1) < 1e-6 for case, value in cases.items()}
    assert sum(each.int() for each in seen.values()).eq(1).all()
    for case, share in expected.items():
        assert abs(seen[case].float().mean() - share) < 5 * (share * (1 - share) / 2000) ** 0.5
    assert torch.equal(table.eval()(text), cases["both"])

import math

import torch
from torch.nn import functional as F

from lmcompare.models.neural.transformer import Attention, TransformerNetwork, rotary_angles, rotate


def network(dropout=0.0):
    torch.manual_seed(0)
    return TransformerNetwork(size=9, bos=0, width=8, layers=2, heads=2, window=12, dropout=dropout)


@torch.no_grad()
def test_attention_equals_a_masked_softmax_written_out_place_by_place():
    torch.manual_seed(0)
    attention, turn = Attention(8, 2), rotary_angles(5, 4)
    x = torch.randn(3, 5, 8)
    hide = torch.zeros(5, 5).masked_fill(~torch.ones(5, 5, dtype=torch.bool).tril(), -torch.inf)
    found = attention(x, turn, hide, None, 0)
    q, k, v = (part.view(3, 5, 2, 4) for part in attention.qkv(x).chunk(3, dim=-1))
    rows = torch.zeros(3, 5, 8)
    for row in range(3):
        for head in range(2):
            qs, ks = rotate(q[row, :, head], turn), rotate(k[row, :, head], turn)
            for place in range(5):
                weights = torch.tensor(
                    [math.exp(float(qs[place] @ ks[past]) / 2) for past in range(place + 1)]
                )
                mean = (weights / weights.sum()) @ v[row, : place + 1, head]
                rows[row, place, 4 * head : 4 * head + 4] = mean
    torch.testing.assert_close(found, rows @ attention.out.weight.T, atol=1e-5, rtol=1e-5)


def test_attention_equals_torchs_own():
    torch.manual_seed(0)
    attention, turn = Attention(8, 2), rotary_angles(5, 4)
    x = torch.randn(3, 5, 8)
    hide = torch.zeros(5, 5).masked_fill(~torch.ones(5, 5, dtype=torch.bool).tril(), -torch.inf)
    q, k, v = (part.view(3, 5, 2, 4).transpose(1, 2) for part in attention.qkv(x).chunk(3, dim=-1))
    theirs = F.scaled_dot_product_attention(rotate(q, turn), rotate(k, turn), v, is_causal=True)
    expected = attention.out(theirs.transpose(1, 2).reshape(3, 5, 8))
    torch.testing.assert_close(attention(x, turn, hide, None, 0), expected)


def test_rotary_products_depend_on_the_distance_alone():
    q, k = torch.randn(8), torch.randn(8)
    turn = rotary_angles(20, 8)
    product = lambda i, j: float(rotate(q, turn[i : i + 1]) @ rotate(k, turn[j : j + 1]).T)  # noqa: E731
    assert math.isclose(product(3, 1), product(17, 15), abs_tol=1e-5)
    assert not math.isclose(product(3, 1), product(3, 2), abs_tol=1e-3)


def test_gradients_equal_finite_differences():
    net = network().double().train()
    vectors = torch.randn(2, 4, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: net(x), (vectors,), fast_mode=True)


def test_no_place_sees_what_stands_after_it():
    net = network().eval()
    a, b = torch.randn(1, 6, 8), torch.randn(1, 6, 8)
    mixed = torch.cat([a[:, :4], b[:, 4:]], dim=1)
    torch.testing.assert_close(net(a)[:, :4], net(mixed)[:, :4])


def test_reading_with_a_cache_equals_reading_at_once():
    net = network().eval()
    vectors = torch.randn(2, 7, 8)
    with torch.no_grad():
        cache = net.empty(2)
        parts = [net(vectors[:, :3], cache)] + [net(vectors[:, i : i + 1], cache) for i in range(3, 7)]
        torch.testing.assert_close(torch.cat(parts, dim=1), net(vectors))


def test_in_training_bos_hides_all_that_stands_before_it():
    net = network().eval()
    tokens = torch.tensor([[0, 3, 4, 0, 5, 6], [2, 3, 4, 5, 6, 7]])
    hidden, _ = net.read(net.embedding(tokens), tokens == 0, None)
    alone, _ = net.read(net.embedding(tokens[:1, 3:]), tokens[:1, 3:] == 0, None)
    torch.testing.assert_close(hidden[:1, 3:], alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(hidden[1:], net(net.embedding(tokens[1:])))

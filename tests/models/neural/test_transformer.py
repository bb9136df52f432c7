import math

import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.nn import functional as F

from lmcompare import laws
from lmcompare.errors import InputError
from lmcompare.models.neural.options import TransformerOptions
from lmcompare.models.neural.positions import distance_slopes, rotary_angles, rotate, sinusoids
from lmcompare.models.neural.transformer import Attention, FeedForward, TransformerNetwork

CHOICES = [
    {},
    {"positions": "alibi", "bias": True, "activation": "relu2"},
    {"positions": "learned", "norm_place": "post", "activation": "gelu-tanh"},
    {"positions": "sinusoidal", "norm": "rms", "kv_heads": 1, "activation": "swiglu"},
    {"qk_norm": True, "kv_heads": 2, "heads": 4, "attention_window": 3, "softmaxes": 2},
]


def options(**changes):
    small = {"width": 8, "layers": 2, "heads": 2, "window": 12, "length": 12, "dropout": 0.0}
    return TransformerOptions(**(small | changes))


def network(**changes):
    torch.manual_seed(0)
    net = TransformerNetwork(9, 0, options(**changes))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return net


def looks_back(time):
    return torch.zeros(time, time).masked_fill(~torch.ones(time, time, dtype=torch.bool).tril(), -torch.inf)


@torch.no_grad()
def test_attention_equals_a_masked_softmax_written_out_place_by_place():
    torch.manual_seed(0)
    attention, turn = Attention(options()), rotary_angles(torch.arange(5), 4)
    x = torch.randn(3, 5, 8)
    found = attention(x, turn, looks_back(5))
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


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_attention_with_shared_heads_equals_torchs_own(kv_heads):
    torch.manual_seed(0)
    chosen = options(width=16, heads=4, kv_heads=kv_heads, bias=True)
    attention, turn = Attention(chosen), rotary_angles(torch.arange(5), 4)
    x = torch.randn(3, 5, 16)
    parts = attention.qkv(x).split([16, 4 * kv_heads, 4 * kv_heads], dim=-1)
    q, k, v = (part.unflatten(2, (-1, 4)).transpose(1, 2) for part in parts)
    theirs = F.scaled_dot_product_attention(
        rotate(q, turn), rotate(k, turn), v, is_causal=True, enable_gqa=True
    )
    expected = attention.out(theirs.transpose(1, 2).reshape(3, 5, 16))
    torch.testing.assert_close(attention(x, turn, looks_back(5)), expected)


def test_normalised_queries_and_keys_have_unit_mean_square_before_their_gain():
    attention = Attention(options(qk_norm=True))
    with torch.no_grad():
        attention.q_norm.weight.fill_(3.0)
    x = 100 * torch.randn(1, 4, 8)
    q = attention.q_norm(attention.qkv(x)[..., :8].view(1, 4, 2, 4))
    torch.testing.assert_close(q.square().mean(-1), torch.full((1, 4, 2), 9.0), atol=1e-3, rtol=1e-3)
    # So a scale of all queries and keys changes nothing.
    louder = Attention(options(qk_norm=True))
    louder.load_state_dict(attention.state_dict())
    with torch.no_grad():
        louder.qkv.weight[:16] *= 7
    turn = rotary_angles(torch.arange(4), 4)
    a, b = attention(x, turn, looks_back(4)), louder(x, turn, looks_back(4))
    torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("gelu", F.gelu),
        ("gelu-tanh", lambda x: 0.5 * x * (1 + torch.tanh((2 / math.pi) ** 0.5 * (x + 0.044715 * x**3)))),
        ("relu2", lambda x: x.clamp(min=0) ** 2),
        ("swiglu", lambda x: x[..., :5] * torch.sigmoid(x[..., :5]) * x[..., 5:]),
    ],
)
def test_activations_are_those_of_the_papers(activation, expected):
    part = FeedForward(options(activation=activation, feed_forward=5))
    x = torch.randn(2, 3, 8)
    torch.testing.assert_close(part(x), part.down(expected(part.up(x))))


def test_a_gated_feed_forward_part_has_as_many_parameters():
    plain, gated = (
        sum(p.numel() for p in FeedForward(options(activation=name, width=96)).parameters())
        for name in ("gelu", "swiglu")
    )
    assert plain == gated


def test_rotary_products_depend_on_the_distance_alone():
    q, k = torch.randn(8), torch.randn(8)
    turn = rotary_angles(torch.arange(20), 8)
    product = lambda i, j: float(rotate(q, turn[i : i + 1]) @ rotate(k, turn[j : j + 1]).T)  # noqa: E731
    assert math.isclose(product(3, 1), product(17, 15), abs_tol=1e-5)
    assert not math.isclose(product(3, 1), product(3, 2), abs_tol=1e-3)


def test_sinusoids_and_slopes_are_those_of_the_papers():
    table = sinusoids(7, 6)
    for place in range(7):
        for pair in range(3):
            angle = place / 10_000 ** (2 * pair / 6)
            assert table[place, 2 * pair] == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[place, 2 * pair + 1] == pytest.approx(math.cos(angle), abs=1e-6)
    assert distance_slopes(8).tolist() == [2.0**-i for i in range(1, 9)]


@torch.no_grad()
def test_alibi_takes_the_slope_for_each_step_of_distance():
    net = network(positions="alibi", layers=1)
    attention, x = net.blocks[0].attention, torch.randn(1, 4, 8)
    places = torch.arange(4)
    far = (places[:, None] - places).clamp(min=0)
    bias = looks_back(4) - torch.tensor([1 / 16, 1 / 256])[:, None, None] * far
    hide = net._hide(places[:, None] - places, None, torch.float32)
    torch.testing.assert_close(hide, bias)
    q, k, v = (part.view(1, 4, 2, 4).transpose(1, 2) for part in attention.qkv(x).chunk(3, dim=-1))
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])
    found = attention(x, None, hide)
    torch.testing.assert_close(found, attention.out(expected.transpose(1, 2).reshape(1, 4, 8)))


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_gradients_of_all_parameters_equal_finite_differences(choice):
    net = network(**choice).double()
    inner = {name: p.detach() for name, p in net.named_parameters() if not name.startswith("embedding.")}
    vectors = torch.randn(2, 4, net.options.width, dtype=torch.float64)

    def forward(vectors, *parameters):
        return functional_call(net, dict(zip(inner, parameters, strict=True)), (vectors,))

    arguments = [value.requires_grad_() for value in (vectors, *inner.values())]
    assert torch.autograd.gradcheck(forward, arguments, fast_mode=True)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@torch.no_grad()
def test_no_place_sees_what_stands_after_it(choice):
    net = network(**choice).eval()
    a, b = torch.randn(1, 6, 8), torch.randn(1, 6, 8)
    mixed = torch.cat([a[:, :4], b[:, 4:]], dim=1)
    torch.testing.assert_close(net(a)[:, :4], net(mixed)[:, :4])


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@torch.no_grad()
def test_reading_with_a_cache_equals_reading_at_once(choice):
    net = network(**choice).eval()
    vectors = torch.randn(2, 7, 8)
    cache = net.empty(2, 12)
    parts = [net(vectors[:, :3], cache)] + [net(vectors[:, i : i + 1], cache) for i in range(3, 7)]
    torch.testing.assert_close(torch.cat(parts, dim=1), net(vectors))


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@torch.no_grad()
def test_rows_that_have_read_unequally_many_tokens_go_on_each_at_its_place(choice):
    net = network(**choice).eval()
    vectors, lengths = torch.randn(3, 9, 8), np.array([2, 5, 3])
    cache = net.empty(3, 12)
    net(vectors[:, :5], cache)  # what stands beyond a row's length is padding
    cache.lengths = cache.positions = lengths
    expected = net(vectors)
    for step in range(4):
        places = torch.from_numpy(lengths + step)
        found = net(vectors[torch.arange(3), places][:, None], cache)
        torch.testing.assert_close(found[:, 0], expected[torch.arange(3), places], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_layer_looks_back_over_its_attention_window_and_no_further():
    net = network(attention_window=3, layers=1).eval()
    a = torch.randn(1, 8, 8)
    b = a.clone()
    b[:, 2] = torch.randn(8)
    changed = (net(a) - net(b)).abs().amax(dim=2)[0] > 1e-6
    assert changed.tolist() == [False, False, True, True, True, False, False, False]


def test_in_training_bos_hides_all_that_stands_before_it():
    net = network().eval()
    tokens = torch.tensor([[0, 3, 4, 0, 5, 6], [2, 3, 4, 5, 6, 7]])
    hidden, *_ = net.read(net.embedding(tokens), tokens == 0, ())
    alone, *_ = net.read(net.embedding(tokens[:1, 3:]), tokens[:1, 3:] == 0, ())
    torch.testing.assert_close(hidden[:1, 3:], alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(hidden[1:], net(net.embedding(tokens[1:])))


@pytest.mark.parametrize("choice", [{}, {"positions": "alibi", "kv_heads": 1, "norm_place": "post"}], ids=str)
@pytest.mark.parametrize("length", [1, 2, 5, 12])
@torch.no_grad()
def test_with_a_memory_chunks_of_any_length_are_read_as_one_text(choice, length):
    net = network(memory=4, **choice).eval()
    tokens = torch.randint(1, 9, (2, 12))
    tokens[:, 0] = 0
    tokens[1, 7] = 0  # another document begins
    carried, parts = (), []
    for begin in range(0, 12, length):
        chunk = tokens[:, begin : begin + length]
        hidden, carried, _ = net.read(net.embedding(chunk), chunk == 0, carried)
        parts.append(hidden)
    found = torch.cat(parts, dim=1)
    # Without a memory, the same text with the same reach at each layer.
    whole = network(attention_window=5, **choice).eval()
    whole.load_state_dict(net.state_dict())
    torch.testing.assert_close(found[:1], whole(whole.embedding(tokens[:1])), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[1:, :7], whole(whole.embedding(tokens[1:, :7])), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[1:, 7:], whole(whole.embedding(tokens[1:, 7:])), atol=1e-5, rtol=1e-4)


def test_no_gradient_flows_into_a_memory():
    net = network(memory=4)
    before = torch.randn(1, 3, 8, requires_grad=True)
    nothing = torch.zeros(1, 3, dtype=torch.bool)
    _, carried, _ = net.read(before, nothing, ())
    assert not any(part.requires_grad for part in carried)
    hidden, *_ = net.read(torch.randn(1, 3, 8), nothing, carried)
    hidden.sum().backward()
    assert before.grad is None and net.blocks[0].attention.qkv.weight.grad is not None


@pytest.mark.parametrize(("window", "stride"), [(8, 2), (6, 3), (4, 4), (1, 1), (12, 5)])
def test_other_windows_than_in_training_keep_every_law(small_model, window, stride):
    model = small_model("transformer").windowed(window, stride)
    assert model.context == window
    assert [law for law in laws.check(model) if law.passed is False] == []


def test_a_window_beyond_learned_positions_is_refused(small_model):
    with pytest.raises(InputError, match="learned positions up to 8, not 9"):
        small_model("transformer", positions="learned").windowed(9, 3)

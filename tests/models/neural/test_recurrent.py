import pytest
import torch
from torch.func import functional_call

from lmcompare.models.neural.cells import Maps
from lmcompare.models.neural.options import RecurrentOptions
from lmcompare.models.neural.recurrent import CELLS, RecurrentNetwork


def network(cell="lstm", **options):
    torch.manual_seed(0)
    chosen = RecurrentOptions(**({"width": 6, "layers": 2, "dropout": 0.0} | options))
    return RecurrentNetwork(9, 0, chosen, cell)


def some_memory(net, rows):
    return tuple(torch.randn_like(part) for part in net.fresh(rows))


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_the_written_cell_equals_torchs_module(cell):
    torch.manual_seed(0)
    layer = CELLS[cell].layer(5, 6, batch_first=True)
    x, state = torch.randn(3, 7, 5), tuple(torch.randn(1, 3, 6) for _ in range(CELLS[cell].states))
    theirs, after = layer(x, state if len(state) > 1 else state[0])
    maps = Maps(
        lambda x: x @ layer.weight_ih_l0.T + layer.bias_ih_l0,
        lambda h: h @ layer.weight_hh_l0.T + layer.bias_hh_l0,
    )
    ours, mine = CELLS[cell].written(x, tuple(part[0] for part in state), maps)
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(mine, after if len(state) > 1 else (after,), strict=True):
        torch.testing.assert_close(one, other[0])


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_the_written_kernel_equals_torchs_in_a_whole_network(cell):
    fast = network(cell, hidden_width=8).eval()
    slow = network(cell, hidden_width=8, kernel="written").eval()
    tokens, memory = torch.randint(1, 9, (3, 7)), some_memory(fast, 3)
    found, after = fast(fast.embedding(tokens), memory)
    expected, then = slow(slow.embedding(tokens), memory)
    torch.testing.assert_close(found, expected)
    for one, other in zip(after, then, strict=True):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_layers_equal_torchs_own_lstm_of_two_layers():
    net = network(norm=False).eval()
    theirs = torch.nn.LSTM(6, 6, 2, batch_first=True)
    for name, parameter in theirs.named_parameters():
        kind, layer = name.rsplit("_l", 1)
        parameter.copy_(net.layers[int(layer)].get_parameter(f"{kind}_l0"))
    x, memory = torch.randn(3, 5, 6), some_memory(net, 3)
    expected, (hidden, cell) = theirs(x, (torch.stack(memory[::2]), torch.stack(memory[1::2])))
    found, after = net(x, memory)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.stack(after[::2]), hidden)
    torch.testing.assert_close(torch.stack(after[1::2]), cell)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("options", [{}, {"softmaxes": 2, "hidden_width": 4, "kernel": "written"}])
def test_gradients_of_all_parameters_equal_finite_differences(cell, options):
    net = network(cell, width=4, ar=0.3, tar=0.2, **options).double()
    memory = tuple(part.double() for part in some_memory(net, 2))
    inner = {name: p.detach() for name, p in net.named_parameters() if not name.startswith("embedding.")}
    vectors = torch.randn(2, 3, 4, dtype=torch.float64)
    begins = torch.zeros(2, 3, dtype=torch.bool)

    def read(vectors, *parameters):
        reading = functional_call(
            _Reads(net),
            {f"net.{n}": p for n, p in zip(inner, parameters, strict=True)},
            (vectors, begins, memory),
        )
        return reading.hidden, reading.penalty

    arguments = [value.requires_grad_() for value in (vectors, *inner.values())]
    assert torch.autograd.gradcheck(read, arguments, fast_mode=True)


class _Reads(torch.nn.Module):
    """`functional_call` calls `forward`; this one is `read`."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, *arguments):
        return self.net.read(*arguments)


def test_the_forget_gate_starts_open_and_nothing_else_is_biased():
    assert network().layers[0].bias_ih_l0.tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12
    assert not network("gru").layers[0].bias_ih_l0.any()


def test_the_layers_widths_are_as_asked():
    net = network(layers=3, hidden_width=10)
    assert [tuple(layer.weight_hh_l0.shape) for layer in net.layers] == [(40, 10), (40, 10), (24, 6)]
    assert [part.shape[1] for part in net.fresh(2)] == [10, 10, 10, 10, 6, 6]


def test_dropout_is_locked_over_time_and_off_in_evaluation():
    net = network(dropout=0.5)
    vectors, memory = torch.ones(2, 5, 6), net.fresh(2)
    net.train()
    hidden, _ = net(vectors, memory)
    dropped = hidden == 0
    assert dropped.any() and torch.equal(dropped[:, :1].expand_as(dropped), dropped)
    net.eval()
    assert not (net(vectors, memory)[0] == 0).any()


def test_dropped_weights_are_dropped_for_a_whole_chunk_and_kept_in_evaluation():
    net = network("elman", layers=1, weight_drop=0.5, norm=False, kernel="written", dropout=0.0)
    vectors, memory = torch.randn(1, 4, 6), net.fresh(1)
    layer = net.layers[0]
    torch.manual_seed(3)
    found, _ = net.train()(vectors, memory)
    torch.manual_seed(3)
    kept = torch.nn.functional.dropout(layer.weight_hh_l0, 0.5)
    assert 0 < int((kept == 0).sum()) < kept.numel()
    hidden = memory[0]
    for place in range(4):
        hidden = torch.tanh(vectors[:, place] @ layer.weight_ih_l0.T + hidden @ kept.T)
        torch.testing.assert_close(found[:, place], hidden)
    assert not torch.allclose(net.eval()(vectors, memory)[0], found)


def test_activation_penalties_are_those_of_the_paper():
    net = network(layers=1, ar=2.0, tar=1.0, norm=False).train()
    vectors, begins = torch.randn(2, 4, 6), torch.zeros(2, 4, dtype=torch.bool)
    hidden, _, penalty = net.read(vectors, begins, ())
    change = hidden[:, 1:] - hidden[:, :-1]
    expected = 2 * (hidden**2).sum() / 48 + (change**2).sum() / 36
    assert penalty.item() == pytest.approx(expected.item(), rel=1e-5)
    assert network().read(vectors, begins, ()).penalty is None


@pytest.mark.parametrize("norm", [True, False])
def test_the_activation_penalty_grows_with_the_square_of_what_the_layer_puts_out(norm, monkeypatch):
    net = network(ar=2.0, norm=norm, dropout_output=0.5).train()
    begins, found = torch.zeros(2, 4, dtype=torch.bool), {}
    raw = torch.randn(2, 4, 6)
    for scale in (0.25, 1.0, 4.0):
        monkeypatch.setattr(net, "_layers", lambda vectors, memory, scale=scale: (scale * raw, memory))
        torch.manual_seed(5)
        hidden, _, penalty = net.read(raw, begins, ())
        found[scale] = penalty.item()
    kept = (hidden != 0) * 2.0  # the same units are missing as in what leaves the network
    assert 0 < (kept == 0).sum() < kept.numel()
    assert found[1.0] == pytest.approx(2 * ((raw * kept) ** 2).mean().item(), rel=1e-5)
    assert [found[0.25] / found[1.0], found[4.0] / found[1.0]] == pytest.approx([1 / 16, 16], rel=1e-5)


def test_a_penalty_draws_the_same_units_as_a_network_without_one():
    vectors, begins = torch.randn(2, 4, 6), torch.zeros(2, 4, dtype=torch.bool)
    found = []
    for ar in (0.0, 2.0):
        net = network(ar=ar, dropout=0.3).train()
        torch.manual_seed(5)
        found.append(net.read(vectors, begins, ()).hidden)
    assert torch.equal(*found)


@pytest.mark.parametrize("cell", CELLS)
def test_bos_on_a_chunks_first_place_zeroes_the_carried_memory(cell):
    net = network(cell).eval()
    tokens = torch.tensor([[0, 3], [2, 3]])
    hidden, *_ = net.read(net.embedding(tokens), tokens == 0, some_memory(net, 2))
    fresh, _ = net(net.embedding(tokens), net.fresh(2))
    torch.testing.assert_close(hidden[0], fresh[0])
    assert not torch.allclose(hidden[1], fresh[1])

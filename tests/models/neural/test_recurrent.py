import torch

from lmcompare.models.neural.recurrent import LstmNetwork, Memory


def network(dropout=0.0):
    torch.manual_seed(0)
    return LstmNetwork(size=9, bos=0, width=6, layers=2, dropout=dropout)


def written_out(layer, inputs, hidden, cell):
    """Hochreiter and Schmidhuber's cell with a forget gate (Gers et al. 2000), place by place."""
    outputs = []
    for x in inputs.unbind(1):
        gates = x @ layer.weight_ih_l0.T + layer.bias_ih_l0 + hidden @ layer.weight_hh_l0.T + layer.bias_hh_l0
        i, f, g, o = gates.chunk(4, dim=1)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        hidden = torch.sigmoid(o) * torch.tanh(cell)
        outputs.append(hidden)
    return torch.stack(outputs, dim=1), hidden, cell


def test_the_forward_pass_equals_the_cell_written_out():
    net = network().eval()
    tokens = torch.randint(1, 9, (3, 7))
    memory = Memory(torch.randn(2, 3, 6), torch.randn(2, 3, 6))
    with torch.no_grad():
        found, after = net(net.embedding(tokens), memory)
        x = net.embedding(tokens)
        for number, layer in enumerate(net.layers):
            x, hidden, cell = written_out(layer, x, memory.hidden[number], memory.cell[number])
            torch.testing.assert_close(after.hidden[number], hidden)
            torch.testing.assert_close(after.cell[number], cell)
        torch.testing.assert_close(found, net.norm(x))


def test_gradients_equal_finite_differences():
    net = network().double().train()
    memory = Memory(torch.zeros(2, 2, 6).double(), torch.zeros(2, 2, 6).double())
    vectors = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: net(x, memory)[0], (vectors,), fast_mode=True)


def test_the_forget_gate_starts_open_and_nothing_else_is_biased():
    bias = network().layers[0].bias_ih_l0
    assert bias.tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12


def test_dropout_is_locked_over_time_and_off_in_evaluation():
    net = network(dropout=0.5)
    vectors, memory = torch.ones(2, 5, 6), net.fresh(2)
    net.train()
    hidden, _ = net(vectors, memory)
    dropped = hidden == 0
    assert dropped.any() and torch.equal(dropped[:, :1].expand_as(dropped), dropped)
    net.eval()
    assert not (net(vectors, memory)[0] == 0).any()


def test_bos_on_a_chunks_first_place_zeroes_the_carried_memory():
    net = network().eval()
    tokens = torch.tensor([[0, 3], [2, 3]])
    carried = Memory(torch.randn(2, 2, 6), torch.randn(2, 2, 6))
    hidden, _ = net.read(net.embedding(tokens), tokens == 0, carried)
    fresh, _ = net(net.embedding(tokens), net.fresh(2))
    torch.testing.assert_close(hidden[0], fresh[0])
    assert not torch.allclose(hidden[1], fresh[1])

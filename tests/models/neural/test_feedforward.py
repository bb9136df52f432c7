import pytest
import torch
from torch.func import functional_call

from lmcompare.models.neural.feedforward import FeedForwardNetwork
from lmcompare.models.neural.options import FeedForwardOptions


def network(**options):
    torch.manual_seed(0)
    return FeedForwardNetwork(9, 0, FeedForwardOptions(**({"width": 4, "hidden": 5, "dropout": 0} | options)))


@pytest.mark.parametrize("direct", [True, False])
@torch.no_grad()
def test_the_forward_pass_is_bengios_equation(direct):
    net = network(order=4, direct=direct, tied=False).eval()
    tokens = torch.randint(0, 9, (2, 3, 3))
    found = net.embedding.logits(net(net.embedding(tokens)))
    for row in range(2):
        for place in range(3):
            x = torch.cat([2 * net.embedding.weight[token] for token in tokens[row, place]])
            y = net.out.weight @ torch.tanh(net.hidden.bias + net.hidden.weight @ x)
            y = y + net.direct.weight @ x if direct else y
            expected = net.embedding.bias + net.embedding.output @ y
            torch.testing.assert_close(found[row, place, 1:], expected[1:])


@pytest.mark.parametrize("order", [2, 4])
def test_gradients_of_all_parameters_equal_finite_differences(order):
    net = network(order=order, softmaxes=2).double()
    inner = {name: p.detach() for name, p in net.named_parameters() if not name.startswith("embedding.")}
    shape = (2, 3, 4) if order == 2 else (2, 3, order - 1, 4)

    def forward(vectors, *parameters):
        return functional_call(net, dict(zip(inner, parameters, strict=True)), (vectors,))

    vectors = torch.randn(shape, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        forward, [value.requires_grad_() for value in (vectors, *inner.values())], fast_mode=True
    )

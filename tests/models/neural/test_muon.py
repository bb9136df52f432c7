import pytest
import torch
from torch import nn

from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.muon import Muon, orthogonal
from lmcompare.models.neural.optimiser import AdamW
from lmcompare.models.neural.options import NetworkOptions


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding(6, 4, 0, NetworkOptions())
        self.inner = nn.Linear(4, 12)
        self.position_vectors = nn.Parameter(torch.randn(5, 4))


@pytest.mark.parametrize("shape", [(8, 8), (24, 8), (8, 40), (8, 12)])
def test_singular_values_become_nearly_one_and_vectors_stay(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    core = u.T @ orthogonal(matrix) @ v.T
    # Jordan's coefficients oscillate around one instead of meeting it.
    assert 0.6 < core.diagonal().min() and core.diagonal().max() < 1.3
    assert (core - core.diagonal().diag()).abs().max() < 1e-4


@pytest.mark.parametrize("shape", [(24, 8), (8, 40), (8, 9)])
def test_it_is_the_quintic_of_each_singular_value(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    values = values / matrix.norm()
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    torch.testing.assert_close(orthogonal(matrix), u @ values.diag() @ v, atol=1e-5, rtol=0)


def test_in_bfloat16_large_matrices_come_out_nearly_the_same():
    torch.manual_seed(0)
    matrix = torch.randn(256, 300)
    rough = orthogonal(matrix, bfloat16=True)
    assert 0 < (rough - orthogonal(matrix)).abs().max() < 0.02
    small = matrix[:128, :128]
    assert torch.equal(orthogonal(small, bfloat16=True), orthogonal(small))


def test_a_step_has_the_size_of_an_adamw_step_whatever_the_shape():
    torch.manual_seed(0)
    for shape in ((64, 64), (256, 64), (64, 256)):
        network = nn.Module()
        network.inner = nn.Linear(shape[1], shape[0], bias=False)
        before = network.inner.weight.detach().clone()
        network.inner.weight.grad = torch.randn(shape)
        Muon(network, 0.01, 0.01, 0.0).step(1.0)
        size = (network.inner.weight.detach() - before).square().mean().sqrt().item()
        assert 0.15 * 0.01 < size < 0.25 * 0.01


def test_what_is_no_matrix_inside_moves_as_by_adamw():
    torch.manual_seed(0)
    one, other = Two(), Two()
    other.load_state_dict(one.state_dict())
    muon, adamw = Muon(one, 0.01, 0.02, 0.1), AdamW(other, 0.01, 0.02, 0.1)
    for _ in range(3):
        for network in (one, other):
            torch.manual_seed(1)
            for parameter in network.parameters():
                parameter.grad = torch.randn_like(parameter)
        muon.step(0.7)
        adamw.step(0.7)
    mine, theirs = dict(one.named_parameters()), dict(other.named_parameters())
    same = {name for name in mine if torch.equal(mine[name], theirs[name])}
    assert same == set(mine) - {"inner.weight"}


def test_momentum_is_nesterovs():
    network = nn.Module()
    network.inner = nn.Linear(3, 3, bias=False)
    optimiser = Muon(network, 0.01, 0.01, 0.0, momentum=0.5)
    gradients = [torch.eye(3), torch.diag(torch.tensor([1.0, -3.0, 1.0]))]
    before = network.inner.weight.detach().clone()
    for gradient in gradients:
        before = network.inner.weight.detach().clone()
        network.inner.weight.grad = gradient.clone()
        optimiser.step(1.0)
    # direction 0.5 * (1, 1, 1) + (1, -3, 1) = (1.5, -2.5, 1.5); half of it and the gradient:
    expected = orthogonal(torch.diag(torch.tensor([1.75, -4.25, 1.75]))) * 0.2 * 3**0.5 * 0.01
    torch.testing.assert_close(before - network.inner.weight.detach(), expected)

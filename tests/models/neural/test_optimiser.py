import pytest
import torch
from torch import nn

from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.muon import Muon
from lmcompare.models.neural.optimiser import AdamW, Descent, clip_gradients
from lmcompare.models.neural.options import NetworkOptions

NOTHING = torch.zeros(0, dtype=torch.int64)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding(6, 4, 0, NetworkOptions())
        self.inner = nn.Linear(4, 4)


def test_steps_equal_torchs_adamw():
    torch.manual_seed(0)
    ours, theirs = Tiny(), Tiny()
    theirs.load_state_dict(ours.state_dict())
    mine = AdamW(ours, lr=0.01, embedding_lr=0.02, weight_decay=0.3)
    matrices = {"params": [theirs.inner.weight], "lr": 0.01, "weight_decay": 0.3}
    rest = {"params": [theirs.inner.bias, *theirs.embedding.parameters()], "lr": 0.02, "weight_decay": 0.0}
    reference = torch.optim.AdamW([matrices, rest], betas=(0.9, 0.99), eps=1e-8)
    for _ in range(5):
        x = torch.randn(3, 4)
        for network in (ours, theirs):
            network.embedding.logits(network.inner(x))[:, 1:].square().sum().backward()
        mine.step(1.0)
        reference.step()
        reference.zero_grad()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-6, rtol=1e-5)


def test_all_rows_of_the_table_as_leaves_move_as_the_whole_table_does():
    torch.manual_seed(0)
    whole, rowwise = Tiny(), Tiny()
    rowwise.load_state_dict(whole.state_dict())
    one, other = (AdamW(network, 0.01, 0.02, 0.0) for network in (whole, rowwise))
    for _ in range(3):
        x = torch.randn(3, 4)
        (whole.embedding.weight @ x.T).square().sum().backward()
        rows = rowwise.embedding.take(NOTHING, torch.arange(6))
        (rows.weight @ x.T).square().sum().backward()
        one.step(1.0)
        other.step(1.0, rows)
    torch.testing.assert_close(whole.embedding.weight, rowwise.embedding.weight)


def test_unused_rows_do_not_move():
    network = Tiny()
    before = network.embedding.weight.detach().clone()
    optimiser = AdamW(network, 0.01, 0.02, 0.0)
    rows = network.embedding.take(NOTHING, torch.tensor([1, 4]))
    rows.weight.sum().backward()
    optimiser.step(1.0, rows)
    moved = (network.embedding.weight.detach() != before).any(dim=1)
    assert moved.tolist() == [False, True, False, False, True, False]


def test_clipping_scales_all_gradients_together():
    gradients = [torch.tensor([3.0, 0.0]), torch.tensor([4.0])]
    assert clip_gradients(gradients, 1.0) == pytest.approx(5.0)
    assert gradients[0][0].item() == pytest.approx(0.6) and gradients[1][0].item() == pytest.approx(0.8)
    assert clip_gradients(gradients, 0.0) == pytest.approx(1.0)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_of_descent_equal_torchs_sgd(momentum):
    torch.manual_seed(0)
    ours, theirs = Tiny(), Tiny()
    theirs.load_state_dict(ours.state_dict())
    mine = Descent(ours, lr=0.1, embedding_lr=0.2, weight_decay=0.3, momentum=momentum)
    # torch decays through the gradient, which is the same only without momentum
    decay = 0.3 if not momentum else 0.0
    mine.weight_decay = decay
    matrices = {"params": [theirs.inner.weight], "lr": 0.1, "weight_decay": decay}
    rest = {"params": [theirs.inner.bias, *theirs.embedding.parameters()], "lr": 0.2}
    reference = torch.optim.SGD([matrices, rest], lr=0.1, momentum=momentum)
    for _ in range(5):
        x = torch.randn(3, 4)
        for network in (ours, theirs):
            network.embedding.logits(network.inner(x))[:, 1:].square().mean().backward()
        mine.step(0.5)
        for group in reference.param_groups:
            group["lr"] *= 0.5
        reference.step()
        reference.zero_grad()
        for group in reference.param_groups:
            group["lr"] /= 0.5
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-6, rtol=1e-5)


def test_descent_moves_used_rows_only_and_each_keeps_its_direction():
    network = Tiny()
    before = network.embedding.weight.detach().clone()
    optimiser = Descent(network, 0.1, 0.5, 0.0, momentum=0.5)
    for ids in ([1, 4], [4]):
        rows = network.embedding.take(NOTHING, torch.tensor(ids))
        rows.weight.sum().backward()
        optimiser.step(1.0, rows)
    moved = (before - network.embedding.weight.detach())[:, 0]
    # row 4: 0.5 * 1, then 0.5 * (0.5 + 1)
    assert moved.tolist() == pytest.approx([0, 0.5, 0, 0, 1.25, 0], abs=1e-6)


@pytest.mark.parametrize("family", [AdamW, Descent, Muon])
def test_vectors_of_places_and_of_a_mixtures_parts_move_as_the_embedding_does(small_model, family):
    """Gradients of one: AdamW's step is its rate, descent's too; nothing decays but matrices inside."""
    network = small_model("transformer", positions="learned", softmaxes=3).network
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    family(network, 0.5, 0.25, 0.1).step(1.0)
    for name in ("embedding.weight", "position_vectors", "mixture.prior.weight", "norm.weight"):
        step = before[name] - network.get_parameter(name).detach()
        torch.testing.assert_close(step, torch.full_like(step, 0.25), atol=1e-5, rtol=0)
    latent = before["mixture.latent.weight"] - network.get_parameter("mixture.latent.weight").detach()
    assert (latent - 0.25).abs().min() > 1e-4

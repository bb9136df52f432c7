import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lmcompare.models.neural import softmax
from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.options import NetworkOptions
from lmcompare.models.neural.softmax import softmax_loss


def numbers(events=7, width=5, columns=9):
    generator = torch.Generator().manual_seed(0)
    make = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)  # noqa: E731
    targets = torch.randint(0, columns, (events,), generator=generator)
    return make(events, width), make(columns, width), make(columns), targets


def test_loss_equals_cross_entropy():
    hidden, weight, bias, targets = numbers()
    expected = torch.nn.functional.cross_entropy(hidden @ weight.T + bias, targets)
    assert softmax_loss(hidden, weight, bias, targets).item() == pytest.approx(expected.item(), abs=1e-12)


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_gradients_equal_finite_differences_whatever_the_slices(monkeypatch, rows):
    monkeypatch.setattr(softmax, "FEWEST_EVENTS", rows)
    monkeypatch.setattr(softmax, "SLICE", 1)
    hidden, weight, bias, targets = numbers()
    assert torch.autograd.gradcheck(lambda *x: softmax_loss(*x, targets), (hidden, weight, bias))


def test_gradients_of_the_estimated_loss_equal_finite_differences():
    hidden, weight, bias, targets = numbers()
    true = torch.randn(7, dtype=torch.float64, requires_grad=True)
    columns = torch.where(torch.arange(7) % 2 == 0, targets, -1)
    assert torch.autograd.gradcheck(
        lambda h, w, b, t: softmax_loss(h, w, b, columns, t), (hidden, weight, bias, true)
    )


def test_a_target_that_was_drawn_too_is_counted_once():
    hidden, weight, bias, targets = (x.detach() for x in numbers())
    scores = hidden @ weight.T + bias
    true = scores.gather(1, targets[:, None])[:, 0]
    exact = softmax_loss(hidden, weight, bias, targets)
    assert softmax_loss(hidden, weight, bias, targets, true).item() == pytest.approx(exact.item(), abs=1e-12)


@pytest.mark.parametrize("rows", [1, 100])
@pytest.mark.parametrize("estimated", [False, True])
def test_loss_and_gradients_of_a_mixture_equal_finite_differences(monkeypatch, rows, estimated):
    monkeypatch.setattr(softmax, "FEWEST_EVENTS", rows)
    monkeypatch.setattr(softmax, "SLICE", 1)
    hidden, weight, bias, targets = numbers(events=6)
    targets = targets[:3].repeat_interleave(2)
    prior = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    true = torch.randn(6, dtype=torch.float64, requires_grad=True) if estimated else None

    def loss(hidden, weight, bias, prior, *true):
        logs = torch.log_softmax(prior, dim=1)
        return softmax_loss(hidden, weight, bias, targets, *(true or [None]), prior=logs)

    given = [hidden, weight, bias, prior, *([true] if estimated else [])]
    assert torch.autograd.gradcheck(loss, given)
    if not estimated:
        each = torch.softmax(hidden @ weight.T + bias, dim=1).view(3, 2, -1)
        mixed = (torch.softmax(prior, dim=1)[..., None] * each).sum(dim=1)
        expected = -mixed[torch.arange(3), targets[::2]].log().mean()
        assert loss(*given).item() == pytest.approx(expected.item(), abs=1e-12)


def test_a_masked_column_has_no_gradient():
    hidden, weight, bias, targets = numbers()
    mask = torch.zeros(9, dtype=torch.float64)
    mask[0] = -torch.inf
    targets = targets.clamp(min=1)
    softmax_loss(hidden, weight, bias + mask, targets).backward()
    assert np.all(weight.grad[0].numpy() == 0) and np.isfinite(weight.grad.numpy()).all()


class Largest(TorchDispatchMode):
    """Numbers of the largest tensor that any operation makes."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for each in out if isinstance(out, tuple | list) else [out]:
            if isinstance(each, torch.Tensor):
                self.numbers = max(self.numbers, each.numel())
        return out


@pytest.mark.parametrize("parts", [1, 2])
def test_the_exact_loss_never_holds_the_logits_of_more_than_one_slice(parts):
    """Peak memory beside the tables: one slice of logits, here a sixteenth of all."""
    events, width, size = 4096, 8, 4000
    embedding = Embedding(size, width, 0, NetworkOptions(softmaxes=parts))
    torch.manual_seed(0)
    targets = torch.randint(1, size, (events,))
    shape = (events, width) if parts == 1 else (events, parts * width + parts)
    hidden = torch.randn(shape, requires_grad=True)
    with Largest() as largest:
        embedding.loss(hidden, targets).backward()
    slice_events = max(softmax.FEWEST_EVENTS, softmax.SLICE // size)
    assert largest.numbers == slice_events * size == events * size // 16
    assert hidden.grad is not None and embedding.weight.grad.abs().sum() > 0

import pytest
import torch

from lmcompare.models.neural import target_scores as module
from lmcompare.models.neural.target_scores import target_scores


@pytest.mark.parametrize(("events", "columns"), [(1, 1), (7, 4), (20, 5), (23, 17)])
def test_scores_are_those_of_a_softmax_in_float64(monkeypatch, events, columns):
    monkeypatch.setattr(module, "EVENTS", 6)
    monkeypatch.setattr(module, "COLUMNS", 4)
    torch.manual_seed(events)
    hidden, weight, bias = 3 * torch.randn(events, 8), 3 * torch.randn(columns, 8), torch.randn(columns)
    targets = torch.randint(columns, (events,))
    expected = torch.log_softmax(hidden.double() @ weight.double().T + bias.double(), dim=1)
    found = target_scores(hidden, weight, bias, targets)
    torch.testing.assert_close(found, expected[torch.arange(events), targets], atol=1e-5, rtol=1e-6)


def test_impossible_columns_have_minus_infinity_and_no_share(monkeypatch):
    monkeypatch.setattr(module, "COLUMNS", 2)
    bias = torch.tensor([-torch.inf, -torch.inf, 0.0, 1.0, -torch.inf])
    found = target_scores(torch.zeros(3, 2), torch.zeros(5, 2), bias, torch.tensor([0, 2, 3]))
    expected = torch.log_softmax(torch.tensor([0.0, 1.0], dtype=torch.float64), dim=0)
    assert found[0] == -torch.inf
    torch.testing.assert_close(found[1:], expected)


def test_no_probability_is_more_than_one():
    torch.manual_seed(0)
    hidden = 30 * torch.nn.functional.normalize(torch.randn(400, 16), dim=1)
    found = target_scores(hidden, hidden[:200].clone(), torch.zeros(200), torch.arange(400) % 200)
    assert found.max() < 1e-6


def test_no_events_have_no_scores():
    assert target_scores(
        torch.zeros(0, 3), torch.zeros(4, 3), torch.zeros(4), torch.zeros(0).long()
    ).shape == (0,)

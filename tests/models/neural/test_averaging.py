import pytest
import torch
from torch import nn

from lmcompare.models.neural import averaging
from lmcompare.models.neural.averaging import Average


def looked_at(monkeypatch, decay, values):
    monkeypatch.setattr(averaging, "EVERY", 1)
    network = nn.Linear(1, 1, bias=False)
    average = Average(network, decay)
    for step, value in enumerate(values):
        nn.init.constant_(network.weight, value)
        average.look(step + 1)
    return network, average


def test_without_decay_it_is_the_mean_of_all(monkeypatch):
    _, average = looked_at(monkeypatch, 1.0, [1.0, 2.0, 6.0])
    assert average.weights["weight"].item() == pytest.approx(3.0)


def test_with_decay_it_is_a_mean_at_first_and_then_forgets(monkeypatch):
    _, average = looked_at(monkeypatch, 0.5, [1.0, 3.0, 7.0, 1.0])
    assert average.weights["weight"].item() == pytest.approx(((1 + 3) / 2 / 2 + 7 / 2) / 2 + 1 / 2)


def test_it_is_shown_in_the_block_and_the_weights_come_back_to_the_bit(monkeypatch):
    network, average = looked_at(monkeypatch, 1.0, [1.0, 4.0])
    with average.shown():
        assert network.weight.item() == 2.5 and network.state_dict()["weight"].item() == 2.5
    assert network.weight.item() == 4.0 and average.weights["weight"].item() == 2.5


def test_one_that_is_not_begun_shows_the_weights_themselves():
    network = nn.Linear(1, 1, bias=False)
    before = network.weight.item()
    with Average(network, 1.0).shown():
        assert network.weight.item() == before


def test_only_every_eighth_step_is_looked_at():
    network = nn.Linear(1, 1, bias=False)
    average = Average(network, 1.0)
    for step in range(1, 17):
        nn.init.constant_(network.weight, float(step))
        average.look(step)
    assert int(average.looks) == 2 and average.weights["weight"].item() == torch.tensor(12.0)

import pytest
import torch

from lmcompare.models.neural.moving_weights import Pace


def moved(usual, gradients, damping, rate=0.01, decay=0.0, weights=None):
    """Where weights come to from 0, or from `weights`, by one move."""
    trained = {"w": torch.zeros(len(usual))}
    pace = Pace.of(trained, {"w": torch.tensor(usual)}, rate, decay, damping)
    start = trained if weights is None else {"w": torch.tensor(weights)}
    return pace.move(start, {"w": torch.tensor(gradients)}, own=False)["w"]


@pytest.mark.parametrize(
    ("damping", "ratio"),
    [
        (1e-7, 1.0),  # Krause et al. (2018): each gradient counts in units of its own usual size
        (0.1, 100 * 0.121 / 2.101),  # (usual + 0.1 mean) of the one by that of the other
        (10, 100 * 10.12 / 12.1),
        (1e6, 100.0),  # plain gradient descent
    ],
)
def test_weights_whose_usual_gradients_differ_a_hundredfold_move_as_the_damping_says(damping, ratio):
    usual = [0.02, 2.0]  # their mean is 1.01
    far = moved(usual, usual, damping)
    assert (far[1] / far[0]).item() == pytest.approx(ratio, rel=1e-4)


def test_a_weight_with_the_mean_usual_gradient_moves_equally_far_whatever_the_damping():
    usual = [0.5, 1.0, 1.5]
    for damping in (0.01, 1.0, 30.0):
        assert moved(usual, [1.0, 1.0, 1.0], damping)[1].item() == pytest.approx(-0.01, rel=1e-5)


def test_weights_fall_back_in_proportion_to_their_usual_gradients_and_never_beyond_home():
    usual = [0.1, 1.0, 18.9, 0.0]  # their mean is 5
    found = moved(usual, [0.0] * 4, damping=1.0, decay=0.5, weights=[1.0, 1.0, 1.0, 1.0])
    assert found.tolist() == pytest.approx([1 - 0.01, 1 - 0.1, 0.0, 1.0], abs=1e-6)


def test_the_callers_own_tensors_move_in_place_and_all_others_stay():
    pace = Pace.of({"w": torch.zeros(2)}, {"w": torch.ones(2)}, 0.1, 0.0, 1.0)
    mine, gradient = {"w": torch.ones(2)}, {"w": torch.ones(2)}
    assert pace.move(mine, gradient, own=False)["w"] is not mine["w"] and mine["w"].tolist() == [1.0, 1.0]
    assert pace.move(mine, gradient, own=True)["w"] is mine["w"]
    assert mine["w"].tolist() == pytest.approx([0.9, 0.9])

import numpy as np
import pytest
import torch

from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.family import LSTM
from lmcompare.models.neural.options import NetworkOptions
from lmcompare.models.neural.sampling import NegativeSampler

COUNTS = np.array([0, 500, 300, 80, 40, 20, 9, 5, 3, 2, 1, 1, 1, 0, 0])


def test_expected_number_drawn_is_the_number_asked_and_bos_is_never_drawn():
    sampler = NegativeSampler(COUNTS, 6, bos=0)
    assert float(sampler.inclusion.sum()) == pytest.approx(6)
    assert float(sampler.inclusion.max()) <= 1
    torch.manual_seed(0)
    drawn = [sampler.draw() for _ in range(2000)]
    assert np.mean([len(ids) for ids in drawn]) == pytest.approx(6, abs=0.1)
    assert all(0 not in ids.tolist() for ids in drawn)


def test_with_all_ids_drawn_the_loss_is_exact():
    torch.manual_seed(0)
    embedding = Embedding(15, 8, 0, NetworkOptions())
    hidden, targets = torch.randn(20, 8), torch.randint(1, 15, (20,))
    sampler = NegativeSampler(COUNTS, 1000, bos=0)
    rows = embedding.take(targets, torch.arange(15))
    loss = sampler.loss(hidden, targets, sampler.draw(), rows)
    assert loss.item() == pytest.approx(embedding.loss(hidden, targets).item(), abs=1e-5)


@pytest.mark.parametrize("number", [1, 6])
@torch.no_grad()
def test_the_normaliser_is_estimated_without_bias(number):
    torch.manual_seed(0)
    embedding = Embedding(15, 8, 0, NetworkOptions())
    hidden, targets = torch.randn(1, 8), torch.tensor([3])
    sampler = NegativeSampler(COUNTS, number, bos=0)
    target = float(embedding.logits(hidden)[0, 3])
    estimates = []
    for _ in range(4000):
        negatives = sampler.draw()
        rows = embedding.take(targets, torch.unique(torch.cat([negatives, targets])))
        # loss = log Z - s(target), so Z is had back from it.
        estimates.append(float(torch.exp(sampler.loss(hidden, targets, negatives, rows) + target)))
    exact = float(embedding.logits(hidden).exp().sum())
    error = np.std(estimates) / len(estimates) ** 0.5
    assert abs(np.mean(estimates) - exact) < 4 * error


@pytest.mark.parametrize("parts", [1, 2])
def test_where_no_id_was_drawn_the_target_is_all_there_is_and_nothing_is_learnt(parts):
    embedding = Embedding(15, 8, 0, NetworkOptions(softmaxes=parts))
    targets, nothing = torch.tensor([3, 4, 3]), torch.tensor([], dtype=torch.int64)
    rows = embedding.take(targets, torch.tensor([3, 4]))
    hidden = torch.randn(3, 8 if parts == 1 else parts * 9, requires_grad=True)
    loss = NegativeSampler(COUNTS, 1, bos=0).loss(hidden, targets, nothing, rows, parts)
    loss.backward()
    assert loss.item() == 0 and not hidden.grad.any() and not rows.weight.grad.any()


@pytest.mark.parametrize("softmaxes", [1, 2])
def test_a_training_with_one_negative_runs_to_its_end(job, documents, softmaxes):
    texts = documents([60, 40])
    LSTM.train(job("lstm", texts, texts, steps=20, sampled_softmax=1, softmaxes=softmaxes))

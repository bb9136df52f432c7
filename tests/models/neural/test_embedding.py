import numpy as np
import pytest
import torch

from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.options import NetworkOptions
from lmcompare.models.neural.output_mixture import OutputMixture
from lmcompare.models.neural.sampling import NegativeSampler


def embedding(**options):
    torch.manual_seed(0)
    made = Embedding(11, 6, 0, NetworkOptions(**options))
    torch.nn.init.normal_(made.bias)
    return made


def test_tied_one_table_reads_and_predicts_untied_two_do():
    tied, untied = embedding(), embedding(tied=False)
    assert tied.predicting is tied.weight
    assert {name for name, _ in untied.named_parameters()} == {"weight", "bias", "output"}
    hidden = torch.randn(2, 6)
    expected = hidden @ untied.output.T + untied.bias
    torch.testing.assert_close(untied.logits(hidden)[:, 1:], expected[:, 1:])
    torch.testing.assert_close(untied(torch.tensor([3])), 6**0.5 * untied.weight[[3]])


@torch.no_grad()
def test_a_mixture_of_softmaxes_is_that_of_the_paper_and_sums_to_one():
    table, mixture = embedding(softmaxes=3), OutputMixture(6, 3)
    hidden = torch.randn(4, 6)
    made = mixture(hidden)
    weights = torch.softmax(hidden @ mixture.prior.weight.T, dim=1)
    expected = torch.zeros(4, 11)
    for part in range(3):
        latent = torch.tanh(hidden @ mixture.latent.weight[6 * part : 6 * part + 6].T)
        expected += weights[:, part, None] * torch.softmax(table.logits(latent), dim=1)
    torch.testing.assert_close(table.logprobs(made).exp(), expected)
    assert expected.sum(dim=1) == pytest.approx(1, abs=1e-6) and not expected[:, 0].any()
    targets = torch.tensor([1, 5, 5, 10])
    found = table.target_logprobs(made, targets)
    assert found.numpy() == pytest.approx(expected[torch.arange(4), targets].log().numpy(), abs=1e-5)
    loss = table.loss(made, torch.tensor([1, 0, 5, 10]))
    assert loss.item() == pytest.approx(-float(found[[0, 2, 3]].mean()), abs=1e-5)


@torch.no_grad()
def test_the_log_probabilities_of_a_mixture_have_a_higher_rank_than_one_softmax_can():
    hidden, wide = torch.randn(50, 6).double(), Embedding(40, 6, 0, NetworkOptions(softmaxes=3)).double()
    one = Embedding(40, 6, 0, NetworkOptions()).double()
    rank = lambda logprobs: int(torch.linalg.matrix_rank(logprobs[:, 1:], rtol=1e-9))  # noqa: E731
    assert rank(torch.log_softmax(one.logits(hidden), dim=1)) <= 6 + 1
    mixture = OutputMixture(6, 3).double()
    vectors, prior = mixture.latent(hidden).tanh().view(50, 3, 6), mixture.prior(hidden)
    parts = torch.log_softmax(wide.logits(vectors), dim=2) + torch.log_softmax(prior, dim=1)[..., None]
    assert rank(parts.logsumexp(dim=1)) > 20


def test_with_all_ids_drawn_the_sampled_loss_of_a_mixture_is_exact():
    table, mixture = embedding(softmaxes=2, tied=False), OutputMixture(6, 2)
    hidden, targets = mixture(torch.randn(20, 6)), torch.randint(1, 11, (20,))
    sampler = NegativeSampler(np.ones(11, dtype=int), 1000, bos=0)
    rows = table.take(targets, torch.arange(11))
    loss = sampler.loss(hidden, targets, sampler.draw(), rows, parts=2)
    assert loss.item() == pytest.approx(table.loss(hidden, targets).item(), abs=1e-5)


def test_embedding_dropout_leaves_out_whole_words_and_keeps_the_mean():
    table = embedding(embedding_dropout=0.25).train()
    tokens = torch.arange(11).repeat(3, 1)
    shares, factor = [], 6**0.5 / 0.75
    for _ in range(400):
        vectors = table(tokens)
        assert torch.equal(vectors[0], vectors[1]) and torch.equal(vectors[0], vectors[2])
        kept = vectors[0].any(dim=1)
        torch.testing.assert_close(vectors[0, kept], factor * table.weight[kept])
        shares.append(float(kept.float().mean()))
    assert np.mean(shares) == pytest.approx(0.75, abs=4 * (0.25 * 0.75 / 4400) ** 0.5)
    table.eval()
    assert torch.equal(table(tokens)[0], 6**0.5 * table.weight)

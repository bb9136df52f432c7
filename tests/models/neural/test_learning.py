"""What each architecture must be able to learn: sources whose entropy is known."""

import numpy as np
import pytest

from lmcompare import registry

KINDS = ("feedforward", "rnn", "gru", "lstm", "transformer")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_markov_source_is_learnt_to_within_a_hundredth_of_a_bit(job, kind):
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.full(8, 0.3), 8)
    stationary = np.linalg.matrix_power(rows, 200)[0]
    entropy = -float(stationary @ np.where(rows > 0, rows * np.log2(rows), 0).sum(axis=1))

    def draw(length):
        uniform, sums = random.random(length), rows.cumsum(axis=1)
        states = [0]
        for u in uniform:
            states.append(min(7, int(np.searchsorted(sums[states[-1]], u))))
        return np.array(states[1:]) + 2

    train, test = draw(60_000), draw(6_000)
    settings = {"width": 32, "batch": 32, "length": 16, "dropout": 0, "lr": 0.01, "embedding_lr": 0.01}
    settings |= {"epochs": 3, "evaluations": 2, "weight_decay": 0.01, "precision": "float32"}
    settings |= {"feedforward": {"order": 2}, "transformer": {"window": 16, "layers": 1}}.get(
        kind, {"layers": 1}
    )
    model = registry.models.get(kind).train(job(kind, [train], [test], **settings))
    bits = -model.score([test])[0][1:].mean() / np.log(2)
    # The sample's own surprisal under the true source: what an oracle would pay for this text.
    oracle = -np.log2(rows[test[:-1] - 2, test[1:] - 2]).mean()
    assert abs(oracle - entropy) < 0.1
    assert abs(bits - oracle) < 0.01


@pytest.mark.slow
def test_copying_is_learnt_by_the_transformer_and_not_by_an_ngram(job, tmp_path):
    random = np.random.default_rng(0)

    def draw(number):
        strings = random.integers(3, 11, (number, 8))
        return [np.concatenate([string, [2], string, [1]]) for string in strings]

    train, test = draw(3000), draw(100)
    settings = {"width": 32, "window": 18, "length": 18, "batch": 32, "dropout": 0, "restart": 0}
    settings |= {"lr": 0.01, "embedding_lr": 0.01, "epochs": 5, "evaluations": 1, "weight_decay": 0.01}
    settings |= {"qk_norm": True, "precision": "float32"}
    work = job("transformer", train, test, **settings)
    transformer = registry.models.get("transformer").train(work)
    family = registry.models.get("ngram")
    (tmp_path / "ngram").mkdir()
    ngram = family.train(
        registry.Training(family.options(order=5), work.tokenizer, train, test, 1, tmp_path / "ngram")
    )
    for model, least, most in ((transformer, 0.0, 0.3), (ngram, 2.5, np.inf)):
        bits = -np.stack(model.score(test)) / np.log(2)
        assert bits[:, :8].mean() > 2.9  # the string itself: eight symbols, each as likely as the others
        assert least <= bits[:, 9:17].mean() < most

"""What each architecture must be able to learn: sources whose entropy is known."""

import json

import numpy as np
import pytest

from lmcompare import registry

KINDS = ("feedforward", "rnn", "gru", "lstm", "transformer")


def markov_source(*lengths):
    """A source of eight symbols, ids 2 to 9: the probabilities of each after each, and texts of it."""
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.full(8, 0.3), 8)

    def draw(length):
        uniform, sums = random.random(length), rows.cumsum(axis=1)
        states = [0]
        for u in uniform:
            states.append(min(7, int(np.searchsorted(sums[states[-1]], u))))
        return np.array(states[1:]) + 2

    return rows, *map(draw, lengths)


def surprisal(rows, text):
    """The text's own under the true source, bits a symbol: what an oracle would pay for this text."""
    return -np.log2(rows[text[:-1] - 2, text[1:] - 2]).mean()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_markov_source_is_learnt_to_within_a_hundredth_of_a_bit(job, kind):
    rows, train, test = markov_source(60_000, 6_000)
    stationary = np.linalg.matrix_power(rows, 200)[0]
    entropy = -float(stationary @ np.where(rows > 0, rows * np.log2(rows), 0).sum(axis=1))
    settings = {"width": 32, "batch": 32, "length": 16, "dropout": 0, "lr": 0.01, "embedding_lr": 0.01}
    settings |= {"epochs": 3, "evaluations": 2, "weight_decay": 0.01, "precision": "float32"}
    settings |= {"feedforward": {"order": 2}, "transformer": {"window": 16, "layers": 1}}.get(
        kind, {"layers": 1}
    )
    model = registry.models.get(kind).train(job(kind, [train], [test], **settings))
    bits = -model.score([test])[0][1:].mean() / np.log(2)
    oracle = surprisal(rows, test)
    assert abs(oracle - entropy) < 0.1
    assert abs(bits - oracle) < 0.01


def test_averages_of_a_descent_that_has_stopped_to_gain_come_far_nearer_to_the_source(job):
    """NT-ASGD on real validations: it begins by itself (Merity et al. 2018, algorithm 1), and pays."""
    rows, train, test = markov_source(20_000, 4_000)
    settings = {"width": 16, "layers": 1, "dropout": 0, "restart": 0, "precision": "float32", "threads": 1}
    settings |= {"optimiser": "sgd", "lr": 3.0, "clip": 0.25, "schedule": "constant", "warmup": 0}
    settings |= {"steps": 840, "evaluations": 14, "patience": 0, "averaging": 2, "sampled_softmax": 0}
    work = job("lstm", [train], [test], **settings)
    registry.models.get("lstm").train(work)
    points = [json.loads(line) for line in (work.folder / "curve.jsonl").read_text().splitlines()]
    bits = [point["valid_bits_per_token"] - surprisal(rows, test) for point in points]
    begun = next(k for k in range(3, len(bits)) if bits[k] > min(bits[: k - 2]))
    assert begun < 12
    assert 0 < min(bits[begun + 1 :]) < min(bits[: begun + 1]) / 3


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

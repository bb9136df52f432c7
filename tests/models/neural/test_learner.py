import pytest
import torch

from lmcompare.models.neural.batches import Streams
from lmcompare.models.neural.learner import Learner
from lmcompare.models.neural.recurrent_model import LstmModel
from lmcompare.models.neural.transformer_model import TransformerModel

FAMILIES = {"lstm": LstmModel, "transformer": TransformerModel}
SMALL = {
    "lstm": {"width": 16, "layers": 2, "ar": 1.0, "tar": 1.0},
    "transformer": {"width": 16, "layers": 2, "heads": 2, "window": 8, "memory": 5},
}


@pytest.fixture
def learner(documents):
    """`make(kind, **options)`: a learner of random documents; the same weights for the same kind."""

    def make(kind, bfloat16=False, **changes):
        settings = SMALL[kind] | {"batch": 4, "length": 8, "dropout": 0} | changes
        options = FAMILIES[kind].options_class(**settings)
        torch.manual_seed(0)
        network = FAMILIES[kind].build(options, 11, 0)
        streams = Streams(
            documents([90, 70, 80]),
            bos=0,
            eos=1,
            batch=options.batch * options.accumulate,
            length=options.length,
            restart=0.2,
            seed=3,
            lookback=network.lookback,
        )
        return Learner(network, streams, options, 3, bfloat16=bfloat16)

    return make


def state(learner):
    return {name: tensor.clone() for name, tensor in learner.tensors().items()}


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("sampled", [0, 6])
@pytest.mark.parametrize("ngrams", [[], [2, 3]])
def test_accumulated_batches_are_one_larger_batch(learner, kind, sampled, ngrams):
    settings = {"sampled_softmax": sampled, "ngram_embeddings": ngrams, "ngram_rows": 50}
    # By plain descent: Adam divides by gradients that are nothing but rounding.
    settings |= {"optimiser": "sgd", "lr": 0.5, "embedding_lr": 0.5}
    parts = learner(kind, batch=2, accumulate=3, **settings)
    whole = learner(kind, batch=6, **settings)
    assert len(parts.parts) == 3 and len(whole.parts) == 1
    for step in range(4):
        one, other = parts.learn(step, 1.0), whole.learn(step, 1.0)
        assert one.events == other.events and one.loss == pytest.approx(other.loss, abs=1e-5)
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(parts.network.state_dict()[name], tensor, atol=1e-5, rtol=1e-4)


def test_a_last_part_with_fewer_streams_counts_as_much_as_it_has(learner):
    parts, whole = learner("lstm", batch=4, accumulate=2), learner("lstm", batch=8)
    for each in (parts, whole):
        each.streams.rows = 8
    parts.parts = [slice(0, 5), slice(5, 8)]
    parts.carried = [(), ()]
    assert parts.learn(0, 1.0).loss == pytest.approx(whole.learn(0, 1.0).loss, abs=1e-6)


@pytest.mark.parametrize("optimiser", ["adamw", "sgd", "muon"])
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_what_is_rehearsed_is_forgotten_to_the_bit(learner, optimiser, ema):
    settings = {} if optimiser == "adamw" else {"momentum": 0.5, "lr": 0.01}
    learner = learner("lstm", optimiser=optimiser, ema=ema, dropout=0.2, **settings)
    for step in range(8):
        learner.learn(step, 1.0)
    before = state(learner)
    with learner.rehearsal():
        for step in range(8, 18):
            learner.learn(step, 1.0)
        assert any(not torch.equal(tensor, before[name]) for name, tensor in state(learner).items())
    assert all(torch.equal(tensor, before[name]) for name, tensor in state(learner).items())


def test_the_average_follows_the_weights_only_while_it_is_asked_to(learner):
    learner = learner("lstm", averaging=1, optimiser="sgd", lr=1.0)
    for step in range(16):
        learner.averaging = step >= 8
        learner.learn(step, 1.0)
    with learner.shown():
        averaged = learner.weights()["embedding.weight"].copy()
    # One look, after step 16: the average is that weight itself.
    assert (averaged == learner.weights()["embedding.weight"]).all()
    assert int(learner.average.looks) == 1

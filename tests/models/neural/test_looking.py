"""The written-out paths that let one look inside end where the fast paths end."""

import numpy as np
import pytest
import torch

from lmcompare.errors import InputError
from lmcompare.models.inside import HasActivity, HasAttention, HasNeighbours, HasSamples
from lmcompare.models.neural.looking import attention_maps, recurrent_activity
from lmcompare.models.neural.quantisation import quantise

TRANSFORMERS = [
    {},
    {"positions": "alibi", "bias": True, "attention_window": 3, "activation": "relu2"},
    {"positions": "learned", "norm_place": "post", "bias": True},
    {"positions": "sinusoidal", "norm": "rms", "kv_heads": 1, "activation": "swiglu"},
    {"qk_norm": True, "kv_heads": 2, "heads": 4, "ngram_embeddings": [2]},
    {"memory": 3, "softmaxes": 2},
]
RECURRENT = [
    ("rnn", {}),
    ("gru", {"tied": False}),
    ("lstm", {"hidden_width": 12, "ngram_embeddings": [2]}),
    ("lstm", {"norm": False, "layers": 1}),
]


def inputs(model, document):
    return model.vectors(np.concatenate([[0], document[:-1]])[None])


@pytest.mark.parametrize("choice", TRANSFORMERS, ids=str)
@torch.inference_mode()
def test_the_path_that_keeps_the_attention_gives_what_the_fast_path_gives(small_model, documents, choice):
    model = small_model("transformer", **choice)
    document = documents([8])[0]
    maps, hidden = attention_maps(model.network, inputs(model, document))
    torch.testing.assert_close(hidden, model.network(inputs(model, document)), atol=1e-5, rtol=1e-4)
    scores = model.embedding.logprobs(hidden)[0].double().numpy()
    found = scores[np.arange(8), document]
    assert found == pytest.approx(model.score([document])[0], abs=1e-4)
    assert np.array_equal(model.attention(document), maps.double().numpy())


@pytest.mark.parametrize("choice", TRANSFORMERS, ids=str)
def test_attention_is_a_distribution_over_what_a_place_may_see(small_model, documents, choice):
    model = small_model("transformer", **choice)
    maps = model.attention(documents([7])[0])
    options = model.options
    assert maps.shape == (options.layers, options.heads, 7, 7)
    assert maps.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    distance = np.arange(7)[:, None] - np.arange(7)
    hidden = (distance < 0) | (distance >= (options.reach or 7))
    assert (maps[:, :, hidden] == 0).all() and (maps[:, :, ~hidden] > 0).all()


def test_a_change_of_what_a_head_does_not_look_at_changes_nothing(small_model):
    """A referee for the maps: with all weight on one place, only that place's value arrives."""
    model = small_model("transformer", layers=1, heads=1, positions="alibi")
    with torch.no_grad():
        model.network.slopes.fill_(50.0)
    maps = model.attention(np.array([3, 4, 5, 6, 1]))
    assert maps[0, 0] == pytest.approx(np.eye(5), abs=1e-3)


def test_a_sentence_that_is_longer_than_the_window_is_refused(small_model, documents):
    with pytest.raises(InputError, match="9 places to look at, the model reads 8 at once"):
        small_model("transformer").attention(documents([9])[0])
    assert small_model("transformer", memory=3).attention(documents([30])[0]).shape[-1] == 30


@pytest.mark.parametrize(("kind", "options"), RECURRENT, ids=str)
@torch.inference_mode()
def test_the_path_that_keeps_the_gates_gives_what_the_kernel_gives(small_model, documents, kind, options):
    model = small_model(kind, **options)
    texts = documents([9, 1, 5])
    layers, outputs = recurrent_activity(model.network, [inputs(model, text)[0] for text in texts])
    for text, output in zip(texts, outputs, strict=True):
        expected, _ = model.network._layers(inputs(model, text), model.network.fresh(1))
        torch.testing.assert_close(output, expected[0], atol=1e-5, rtol=1e-5)
    h = torch.cat(outputs).double().numpy()
    assert np.array_equal(layers[-1].saturated, (np.abs(h) > 0.9).mean(axis=0))
    edges = np.linspace(-1, 1, 21)
    assert layers[-1].histogram == pytest.approx(np.histogram(h, edges)[0] / h.size)
    assert len(layers) == len(model.network.layers) == len(model.activity(texts))
    names = {"rnn": [], "gru": ["reset", "update"], "lstm": ["input", "forget", "output"]}
    assert [gate.name for gate in layers[0].gates] == names[kind]


def test_gates_that_are_held_open_or_closed_are_told_so(small_model, documents):
    model = small_model("lstm", layers=1)
    layer = model.network.layers[0]
    with torch.no_grad():
        layer.bias_ih_l0[:16] = 60.0  # input gate
        layer.bias_ih_l0[16:32] = -60.0  # forget gate
    (found,) = model.activity(documents([20, 9]))
    closed = {gate.name: gate.closed.mean() for gate in found.gates}
    opened = {gate.name: gate.open.mean() for gate in found.gates}
    assert (opened["input"], closed["input"]) == (1, 0)
    assert (opened["forget"], closed["forget"]) == (0, 1)
    assert opened["output"] + closed["output"] < 1
    with pytest.raises(InputError, match="no text"):
        model.activity([np.zeros(0, dtype=int)])


@pytest.mark.parametrize("kind", ["feedforward", "gru", "transformer"])
def test_neighbours_are_the_vectors_of_largest_cosine(small_model, kind):
    model = small_model(kind)
    table = model.embedding.weight.detach().double().numpy()
    cosine = {
        other: float(table[3] @ table[other] / np.linalg.norm(table[3]) / np.linalg.norm(table[other]))
        for other in range(1, 11)
        if other != 3
    }
    expected = sorted(cosine, key=lambda other: -cosine[other])
    found = model.neighbours(3, 4)
    assert [other for other, _ in found] == expected[:4]
    assert [value for _, value in found] == pytest.approx([cosine[other] for other in expected[:4]])
    assert len(model.neighbours(3, 100)) == 9 and len(model.neighbours(0, 100)) == 10
    assert model.neighbours(3, 0) == []


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_a_rounded_model_can_be_looked_into_too(small_model, documents, kind):
    model = small_model(kind, size=30)
    rounded = quantise(model)
    assert rounded.neighbours(3, 5)[0][1] == pytest.approx(model.neighbours(3, 5)[0][1], abs=0.05)
    text = documents([6], size=30)[0]
    if kind == "lstm":
        one, other = model.activity([text])[0].histogram, rounded.activity([text])[0].histogram
    else:
        one, other = model.attention(text), rounded.attention(text)
    assert one == pytest.approx(other, abs=0.1)


def test_who_offers_what(small_model):
    kinds = {kind: small_model(kind) for kind in ("feedforward", "rnn", "lstm", "transformer")}
    assert all(isinstance(model, HasNeighbours) and isinstance(model, HasSamples) for model in kinds.values())
    assert {kind for kind, model in kinds.items() if isinstance(model, HasAttention)} == {"transformer"}
    assert {kind for kind, model in kinds.items() if isinstance(model, HasActivity)} == {"rnn", "lstm"}
    assert kinds["rnn"].training_samples() == []

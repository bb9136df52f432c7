import numpy as np
import pytest
import torch

from lmcompare import registry
from lmcompare.laws import check
from lmcompare.models.mixture.memory_options import DynamicOptions
from lmcompare.models.neural.dynamic import DynamicModel
from lmcompare.registry import Training

KINDS = ("feedforward", "rnn", "gru", "lstm", "transformer")


@pytest.fixture
def dynamic(small_model):
    """`make(kind, segment=4, **options)`: usual gradients between 0.05 and 0.15."""

    def make(kind, segment=4, rate=0.02, decay=0.05, damping=2.0, moves="", **options):
        member = small_model(kind, **options)
        torch.manual_seed(3)
        usual = {
            name: 0.05 + 0.1 * torch.rand_like(each)
            for name, each in member.network.named_parameters()
            if moves in name
        }
        return DynamicModel(member, usual, segment, rate, decay, damping, {})

    return make


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {}) for kind in KINDS),
        ("lstm", {"softmaxes": 2, "tied": False, "ngram_embeddings": (2,)}),
        ("transformer", {"memory": 5, "positions": "alibi"}),
        ("transformer", {"window": 3, "length": 3, "ngram_embeddings": (2, 3)}),
        ("gru", {"moves": "layers"}),
    ],
)
def test_every_law_holds(dynamic, documents, toy_tokenizers, kind, options):
    results = check(dynamic(kind, **options), documents([1, 6, 15]))
    assert [result for result in results if result.passed is False] == []
    assert sum(result.passed is True for result in results) >= 7


@pytest.mark.parametrize(
    ("kind", "options"), [(k, {}) for k in KINDS[:4]] + [("transformer", {"memory": 40})]
)
def test_weights_that_do_not_move_change_nothing(dynamic, documents, kind, options):
    model = dynamic(kind, rate=0.0, **options)
    for mine, plain in zip(
        model.score(texts := documents([1, 9, 30])), model.member.score(texts), strict=True
    ):
        assert mine == pytest.approx(plain, abs=1e-5)


def test_an_elman_network_moves_as_the_equations_say(dynamic, documents):
    """Krause et al. (2018), section 5, with slopes by finite differences in float64."""
    model = dynamic("rnn", segment=3, layers=1, width=3)
    document = documents([8])[0]
    trained = {k: v.detach().numpy().astype(float) for k, v in model.member.network.named_parameters()}
    usual = {name: each.numpy().astype(float) for name, each in model.usual.items()}
    everything = np.concatenate([each.ravel() for each in usual.values()])

    def read(weights, inputs, targets, h):
        table = weights["embedding.weight"]
        scores = []
        for token, target in zip(inputs, targets, strict=True):
            x = table[token] * np.sqrt(3)
            h = np.tanh(
                weights["layers.0.weight_ih_l0"] @ x
                + weights["layers.0.bias_ih_l0"]
                + weights["layers.0.weight_hh_l0"] @ h
                + weights["layers.0.bias_hh_l0"]
            )
            normed = (h - h.mean()) / np.sqrt(h.var() + 1e-5) * weights["norm.weight"]
            logits = table @ normed + weights["embedding.bias"]
            logits[0] = -np.inf
            scores.append(logits[target] - np.log(np.exp(logits).sum()))
        return np.array(scores), h

    inputs = np.concatenate([[0], document[:-1]])
    weights, h, expected = trained, np.zeros(3), []
    for begin in range(0, 8, 3):
        part = slice(begin, begin + 3)
        scores, after = read(weights, inputs[part], document[part], h)
        expected += list(scores)
        moved = {}
        for name, old in weights.items():
            slope = np.zeros_like(old)
            for place in np.ndindex(old.shape):
                two = []
                for change in (1e-5, -1e-5):
                    other = old.copy()
                    other[place] += change
                    two.append(-read({**weights, name: other}, inputs[part], document[part], h)[0].mean())
                slope[place] = (two[0] - two[1]) / 2e-5
            step = 3 * model.rate / (usual[name] + 2 * everything.mean())  # damping 2: 3 is 1 + 2
            fall = np.minimum(1, model.decay * usual[name] / everything.mean())
            moved[name] = old - step * slope + fall * (trained[name] - old)
        weights, h = moved, after
    assert model.score([document])[0] == pytest.approx(expected, abs=2e-5)
    plain = model.member.score([document])[0]
    assert np.abs(plain[3:] - model.score([document])[0][3:]).max() > 1e-2


def test_the_damping_is_tuned_too_and_kept_where_it_is_given(small_model, documents, tmp_path):
    family = registry.models.get("dynamic")
    tuned = family.train(job_for(small_model, documents, tmp_path, decay=0.0))
    assert len({each["damping"] for each in tuned.facts["tried"]}) >= 2
    given = family.train(job_for(small_model, documents, tmp_path, decay=0.0, damping=5.0))
    assert {each["damping"] for each in given.facts["tried"]} == {given.damping} == {5.0}


def test_usual_gradients_of_a_single_document_come_from_as_many_segments_as_asked(
    small_model, documents, tmp_path
):
    member = small_model("gru")
    chosen = DynamicOptions(member="network", segment=4, segments=50, rate=0.1, decay=0.0, damping=1.0)
    (document,) = documents([230])
    job = Training(chosen, member.tokenizer, [document], [], 1, tmp_path, members={"network": member})
    model = registry.models.get("dynamic").train(job)
    expected = model.usual_gradients([document], 50)
    assert {name: each.tolist() for name, each in model.usual.items()} == {
        name: each.tolist() for name, each in expected.items()
    }


def test_nothing_is_left_of_one_document_in_the_next(dynamic, documents):
    model = dynamic("lstm")
    first, second = documents([30, 30])
    before = {name: each.clone() for name, each in model.member.network.named_parameters()}
    alone = model.score([second])[0]
    assert np.array_equal(model.score([first, second])[1], alone)
    for name, each in model.member.network.named_parameters():
        assert torch.equal(each, before[name])


def job_for(small_model, documents, tmp_path, ngrams=(), **options):
    member = small_model("lstm", ngram_embeddings=ngrams)
    chosen = DynamicOptions(member="network", segment=5, segments=10, valid_tokens=100, **options)
    train, valid = documents([60, 60]), [np.tile(documents([15], seed=4)[0], 5)]
    return Training(chosen, member.tokenizer, train, valid, 1, tmp_path, members={"network": member})


def test_the_rate_is_tuned_and_learns_what_a_document_repeats(small_model, documents, tmp_path):
    job = job_for(small_model, documents, tmp_path)
    model = registry.models.get("dynamic").train(job)
    tried = {
        (each["rate"], each["damping"], each["decay"]): each["valid_ppl"] for each in model.facts["tried"]
    }
    assert (
        tried[model.rate, model.damping, model.decay]
        == min(tried.values())
        < 0.9 * model.facts["valid_ppl_alone"]
    )
    assert np.exp(-model.score(job.valid)[0].mean()) == pytest.approx(min(tried.values()))


def test_only_what_stands_inside_moves_when_told_so(small_model, documents, tmp_path):
    job = job_for(small_model, documents, tmp_path, moves="inside", rate=0.1, decay=0.0)
    model = registry.models.get("dynamic").train(job)
    names = {name for name, _ in model.member.network.named_parameters()}
    assert set(model.usual) == {name for name in names if not name.startswith("embedding.")}
    assert (model.rate, model.decay) == (0.1, 0.0)
    assert np.abs(model.score(job.valid)[0] - model.member.score(job.valid)[0])[5:].max() > 1e-3


def test_all_moves_but_the_vectors_of_ngrams(small_model, documents, tmp_path):
    model = registry.models.get("dynamic").train(job_for(small_model, documents, tmp_path, (2,), rate=0.1))
    names = {name for name, _ in model.member.network.named_parameters()}
    assert names - set(model.usual) == {"embedding.ngrams.tables.2"}


def test_usual_gradients_are_those_of_segments_with_weights_at_rest(dynamic, documents):
    model = dynamic("gru", segment=4)
    document = documents([8])[0]
    network, squares = model.member.network, []
    memory = network.fresh(1)
    for begin in (0, 4):
        inputs = torch.tensor([[0, *document][begin : begin + 4]])
        network.zero_grad()
        with torch.enable_grad():
            hidden, memory = network(network.embedding(inputs), tuple(part.detach() for part in memory))
            surprisal = -network.embedding.logprobs(hidden[0])
            surprisal[torch.arange(4), torch.tensor(document[begin : begin + 4])].mean().backward()
        squares.append(network.norm.weight.grad.square())
    found = model.usual_gradients([document], 2)
    torch.testing.assert_close(found["norm.weight"], ((squares[0] + squares[1]) / 2).sqrt())


def test_a_rate_at_which_weights_overflow_is_not_chosen(small_model, documents, tmp_path, monkeypatch):
    monkeypatch.setattr("lmcompare.models.neural.dynamic_fit.RATES", (0.01, 1e30))
    monkeypatch.setattr("lmcompare.models.neural.dynamic_fit.FIRST_RATE", 1)
    model = registry.models.get("dynamic").train(job_for(small_model, documents, tmp_path))
    assert model.rate == 0.01
    assert any(each["valid_ppl"] is None for each in model.facts["tried"])

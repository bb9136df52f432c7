import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from lmcompare.errors import InputError
from lmcompare.files import MANIFEST, sha256
from lmcompare.interface import LanguageModel
from lmcompare.models.matched import forget_at_eos
from lmcompare.models.neural.family import FEEDFORWARD, GRU, LSTM, RNN, TRANSFORMER

FAMILIES = {family.name: family for family in (FEEDFORWARD, RNN, GRU, LSTM, TRANSFORMER)}
KINDS = tuple(FAMILIES)
READERS = [
    ("feedforward", {}),
    ("gru", {}),
    ("lstm", {"ngram_embeddings": [2, 3]}),
    ("transformer", {}),
    ("transformer", {"stride": 1, "ngram_embeddings": [3], "positions": "learned"}),
    ("transformer", {"memory": 3, "ngram_embeddings": [2, 3], "kv_heads": 1}),
]
pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_sum_to_one_without_bos(small_model, kind):
    model = small_model(kind)
    logprobs, state = model.start(3)
    for token in range(1, 11):
        assert logprobs.shape == (3, 11) and logprobs.dtype == np.float64
        assert np.exp(logprobs).sum(axis=1) == pytest.approx(1, abs=1e-6)
        assert (logprobs[:, 0] == -np.inf).all()
        logprobs, state = model.step(np.full(3, token), state)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [[0, 1, 40, 3, 17, 8, 9], [100]])
def test_score_equals_stepping(small_model, documents, kind, lengths):
    model = small_model(kind)
    texts = documents(lengths)
    for fast, slow in zip(model.score(texts), LanguageModel.score(model, texts), strict=True):
        assert fast.dtype == np.float64 and fast == pytest.approx(slow, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_equals_its_rows_one_by_one(small_model, documents, kind):
    model = small_model(kind)
    texts = documents([5, 0, 31, 2, 12, 31, 1])
    for together, alone in zip(model.score(texts), [model.score([text])[0] for text in texts], strict=True):
        assert together == pytest.approx(alone, abs=1e-5)
    assert model.score([]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_small_chunks_give_the_same_scores(small_model, documents, kind, monkeypatch):
    model, texts = small_model(kind), documents([50, 3, 20, 20])
    expected = model.score(texts)
    monkeypatch.setattr("lmcompare.models.neural.model.TOKENS_AT_ONCE", 7)
    monkeypatch.setattr("lmcompare.models.neural.chunks.ROWS", 3)
    monkeypatch.setattr("lmcompare.models.neural.embedding.CHUNK", 25)
    for one, other in zip(model.score(texts), expected, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_next_logprobs_equals_stepping(small_model, documents, kind):
    model = small_model(kind)
    contexts = documents([0, 1, 7, 8, 9, 30, 3])
    expected = LanguageModel.next_logprobs(model, contexts)
    assert model.next_logprobs(contexts)[:, 1:] == pytest.approx(expected[:, 1:], abs=1e-4)
    assert model.next_logprobs([]).shape == (0, 11)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_independent_copies(small_model, kind):
    model = small_model(kind)
    _, state = model.start(2)
    _, state = model.step(np.array([3, 4]), state)
    copy = state.rows(np.array([1, 0, 1]))
    first, _ = model.step(np.array([5, 5]), state)
    second, _ = model.step(np.array([5, 5, 5]), copy)
    assert second[:, 1:] == pytest.approx(first[[1, 0, 1]][:, 1:], abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_matched_wrapper_scores_each_sentence_alone(small_model, documents, kind):
    model = small_model(kind)
    sentences = documents([5, 9, 3])
    apart = np.concatenate(model.score(sentences))
    assert forget_at_eos(model).score([np.concatenate(sentences)])[0] == pytest.approx(apart, abs=1e-5)


@pytest.mark.parametrize(("kind", "options"), READERS, ids=str)
def test_contexts_of_any_lengths_are_read_at_once_and_gone_on_with(small_model, documents, kind, options):
    model = small_model(kind, **options)
    contexts = documents([3, 0, 20, 8, 1, 7, 20])
    logprobs, state = model.read(contexts)
    expected = [LanguageModel.next_logprobs(model, [context]) for context in contexts]
    assert logprobs[:, 1:] == pytest.approx(np.concatenate(expected)[:, 1:], abs=1e-4)
    # Beams: rows are repeated and reordered, each goes on from its own length, some over a window's end.
    beams = [2, 2, 0, 4, 5, 1, 6]
    state = state.rows(np.array(beams))
    written = [list(contexts[row]) for row in beams]
    random = np.random.default_rng(1)
    for step in range(12):
        tokens = random.integers(1, 11, len(beams))
        logprobs, state = model.step(tokens, state)
        for text, token in zip(written, tokens, strict=True):
            text.append(token)
        if step in (0, 6, 11):
            expected = [LanguageModel.next_logprobs(model, [np.array(text)]) for text in written]
            assert logprobs[:, 1:] == pytest.approx(np.concatenate(expected)[:, 1:], abs=1e-4)
    assert model.read([])[0].shape == (0, 11)


@pytest.mark.parametrize("positions", ["rotary", "alibi"])
@pytest.mark.parametrize("lengths", [[0, 5, 20, 1, 9, 6], [5, 8, 20]])
@pytest.mark.parametrize("compiled", [False, True])
def test_rows_of_a_memory_drop_their_places_each_at_its_time(
    small_model, documents, monkeypatch, positions, lengths, compiled
):
    monkeypatch.setattr("lmcompare.models.neural.transformer_model.CHUNK", 1)
    model = small_model("transformer", memory=3, positions=positions)
    if compiled:
        model.network.compile_steps()
    contexts = documents(lengths)
    _, state = model.read(contexts)
    assert state.cache.room == 6
    written = [list(context) for context in contexts]
    random = np.random.default_rng(1)
    for _ in range(12):
        tokens = random.integers(1, 11, len(contexts))
        logprobs, state = model.step(tokens, state)
        for text, token in zip(written, tokens, strict=True):
            text.append(token)
        expected = [model.next_logprobs([np.array(text)]) for text in written]
        assert logprobs[:, 1:] == pytest.approx(np.concatenate(expected)[:, 1:], abs=1e-4)


@pytest.mark.parametrize("stride", [1, 3, 4])
def test_windows_score_each_event_once_and_equal_brute_force(small_model, documents, stride):
    model = small_model("transformer", stride=stride)
    (text,) = documents([37])
    scores, visible = model.score([text])[0], model.context_lengths(37)
    inputs = np.concatenate([[0], text])
    begin = 0
    for event in range(37):
        if event - begin >= 8:
            begin += stride
        window = torch.from_numpy(inputs[begin : event + 1])
        with torch.no_grad():
            hidden = model.network(model.embedding(window[None]))
            expected = float(model.embedding.logprobs(hidden[0, -1])[text[event]])
        assert scores[event] == pytest.approx(expected, abs=1e-4)
        assert visible[event] == (len(window) if begin else len(window) - 1)
        assert len(window) <= 8 and (begin == 0 or len(window) > 8 - stride)


def test_what_lies_beyond_the_context_changes_nothing(small_model, documents):
    model = small_model("transformer")
    one, other = documents([30], seed=1)[0], documents([30], seed=1)[0]
    other[:5] = 2
    assert model.context == 8
    assert model.score([one])[0][13:] == pytest.approx(model.score([other])[0][13:], abs=1e-6)
    assert np.array_equal(small_model("lstm").context_lengths(3), [0, 1, 2])
    assert np.array_equal(small_model("feedforward", order=3).context_lengths(4), [0, 1, 2, 2])
    assert np.array_equal(small_model("transformer", memory=1, layers=2).context_lengths(5), [0, 1, 2, 3, 3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_and_loaded_model_scores_the_same_bits(
    small_model, documents, toy_tokenizers, tmp_path, kind
):
    model, texts = small_model(kind), documents([20, 4])
    model.save(tmp_path / "model")
    loaded = FAMILIES[kind].load(tmp_path / "model")
    assert loaded.parameters == model.parameters and loaded.context == model.context
    for one, other in zip(model.score(texts), loaded.score(texts), strict=True):
        assert np.array_equal(one, other)


def rewrite(folder, arrays):
    """Replace the weights and make the manifest agree, as only a broken writer would."""
    save_file(arrays, folder / "weights.safetensors")
    manifest = json.loads((folder / MANIFEST).read_text())
    file = folder / "weights.safetensors"
    manifest[file.name] = {"bytes": file.stat().st_size, "sha256": sha256(file)}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_missing_and_misshapen_tensors_are_named(small_model, toy_tokenizers, tmp_path):
    folder = tmp_path / "model"
    small_model("lstm").save(folder)
    arrays = load_file(folder / "weights.safetensors")
    rewrite(folder, {name: array for name, array in arrays.items() if name != "layers.1.bias_hh_l0"})
    with pytest.raises(InputError, match=r"tensor layers\.1\.bias_hh_l0 is missing"):
        LSTM.load(folder)
    rewrite(folder, arrays | {"embedding.bias": np.zeros(3, dtype=np.float32)})
    with pytest.raises(InputError, match=r"tensor embedding\.bias has shape \(3,\), not \(11,\)"):
        LSTM.load(folder)


def test_a_truncated_folder_is_named(small_model, toy_tokenizers, tmp_path):
    folder = tmp_path / "model"
    small_model("transformer").save(folder)
    with pytest.raises(InputError, match="a 'transformer' model, not 'lstm'"):
        LSTM.load(folder)
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    with pytest.raises(InputError, match=r"weights\.safetensors has .* truncated"):
        TRANSFORMER.load(folder)


def test_ids_of_another_tokenizer_are_refused(small_model):
    with pytest.raises(InputError, match="token ids from 3 to 11, the model has 0 to 10"):
        small_model("lstm").score([np.array([3, 11])])

import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.models.neural.batches import Streams

BOS, EOS = 0, 1


def streams(documents, **changes):
    settings = {"batch": 3, "length": 5, "restart": 0.0, "seed": 4} | changes
    return Streams(documents, bos=BOS, eos=EOS, **settings)


def whole(streams, epoch=0):
    """All rows of one epoch put end to end, as far as they are read."""
    first = epoch * streams.steps_per_epoch
    chunks = [streams.chunk(first + n) for n in range(streams.steps_per_epoch)]
    inputs = np.concatenate([chunk.inputs for chunk in chunks], axis=1)
    targets = np.concatenate([chunk.targets for chunk in chunks], axis=1)
    return inputs, targets, [chunk.first for chunk in chunks]


def test_targets_follow_inputs_and_every_document_stands_whole_behind_bos():
    documents = [np.array([5, 6, EOS, 7, EOS]), np.array([8, EOS]), np.array([9, 10, 11, 12, EOS])]
    inputs, targets, first = whole(streams(documents, batch=1, length=4))
    assert np.array_equal(inputs[:, 1:], targets[:, :-1])
    text = [int(inputs[0, 0]), *targets[0].tolist()]
    for document in documents:
        wanted = [BOS, *document.tolist()]
        assert any(text[i : i + len(wanted)] == wanted for i in range(len(text)))
    assert first == [True] + [False] * (len(first) - 1)


def test_a_share_of_inner_sentence_ends_is_followed_by_a_fresh_start():
    document = np.tile([5, 6, EOS], 40)
    inputs, targets, _ = whole(streams([document], batch=1, length=7, restart=0.25))
    text = np.concatenate([inputs[0, :1], targets[0]])
    starts = np.flatnonzero(text == BOS)
    assert len(starts) == 1 + round(0.25 * 39)
    assert all(text[start - 1] == EOS for start in starts[1:])
    again, _, _ = whole(streams([document], batch=1, length=7, restart=0.25), epoch=1)
    assert not np.array_equal(inputs, again)


def test_a_step_is_a_function_of_the_seed_and_its_number_alone():
    documents = [np.arange(2, 50), np.arange(2, 30)]
    forward, backward = streams(documents, restart=0.1), streams(documents, restart=0.1)
    steps = range(3 * forward.steps_per_epoch)
    ahead = {step: forward.chunk(step).inputs for step in steps}
    assert all(np.array_equal(ahead[step], backward.chunk(step).inputs) for step in reversed(steps))
    other = streams(documents, restart=0.1, seed=5)
    assert any(not np.array_equal(ahead[step], other.chunk(step).inputs) for step in steps)


def test_little_text_gives_fewer_streams_and_none_is_refused():
    assert streams([np.array([5, EOS])], batch=64, length=35).rows == 1
    with pytest.raises(InputError, match="no training text"):
        streams([np.array([], dtype=np.int64)])


def test_what_stands_before_a_chunk_is_what_was_read_before_it():
    document = np.append(np.arange(2, 40), EOS)
    text = streams([document], batch=2, length=3, lookback=6)
    inputs, _, _ = whole(text)
    padded = np.concatenate([np.full((2, 5), BOS), inputs], axis=1)
    for number in range(text.steps_per_epoch):
        chunk = text.chunk(number)
        assert np.array_equal(chunk.before, padded[:, 3 * number : 3 * number + 5])
    assert streams([document]).chunk(0).before.shape == (3, 0)

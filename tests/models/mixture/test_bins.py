import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.models.mixture.bins import Bins, Frequency, Matched, Position, feature
from lmcompare.models.mixture.cache import CacheModel, Recall


@pytest.fixture
def members(words, ngram):
    return [ngram(3), CacheModel(words, Recall.of_order(2, over=False))]


@pytest.fixture
def every(words, texts, members):
    frequency = Frequency.of_text(texts([300]), words.size, words.bos)
    return [
        feature(name, members, frequency, words.eos) for name in ("order", "cache", "frequency", "position")
    ]


def test_what_is_told_of_rows_is_what_is_told_of_events(texts, every) -> None:
    documents = texts([40, 1, 25], seed=6)
    for each in every:
        events = each.events([*documents, np.zeros(0, int)])
        assert len(events) == 66
        assert 0 <= events.min() <= events.max() < each.count
        flat = iter(events)
        for document in documents:
            for place in range(len(document)):
                assert each.following(document[None, :place])[0] == next(flat), (type(each), place)


def test_a_number_does_not_depend_on_its_own_event(texts, every) -> None:
    document = texts([30], seed=6)[0]
    for each in every:
        for place in range(len(document)):
            changed = document.copy()
            changed[place:] = 3
            assert each.events([changed])[place] == each.events([document])[place]


def test_the_n_gram_of_a_sentence_before_is_forgotten(words, members) -> None:
    told = Matched(members[0], words.eos)
    document = np.array([5, 6, 1, 5, 6, 1])
    assert told.events([document])[[0, 3]].tolist() == [0, 0]
    assert told.policy == "sentence"
    assert told.context == 3


def test_frequency_and_position_go_up_by_powers_of_four(words) -> None:
    text = [np.repeat(np.array([3, 4, 5, 6]), [1, 3, 4, 16])]
    frequency = Frequency.of_text(text, words.size, words.bos)
    assert frequency.events([np.array([3, 4, 5, 6, 7, 7])]).tolist() == [0, 1, 1, 2, 3, 0]
    assert Position().events([np.zeros(17, int)])[[0, 1, 3, 4, 15, 16]].tolist() == [0, 1, 1, 2, 2, 3]
    assert Position().following(np.zeros((1, 10**6 - 1), int))[0] == 9


def test_several_features_make_a_bin_of_each_combination(texts, every) -> None:
    documents = texts([40, 25], seed=6)
    bins = Bins(every[:2])
    assert bins.count == every[0].count * every[1].count
    numbers = bins.events(documents)
    np.testing.assert_array_equal(numbers // every[1].count, every[0].events(documents))
    np.testing.assert_array_equal(numbers % every[1].count, every[1].events(documents))
    assert Bins([]).count == 1
    assert Bins([]).events(documents).tolist() == [0] * 65


def test_a_feature_that_no_member_tells_is_refused(words, members) -> None:
    with pytest.raises(InputError, match='no member is a cache, as "cache" needs'):
        feature("cache", members[:1], None, words.eos)
    with pytest.raises(InputError, match="no member tells how long an n-gram it matched"):
        feature("order", members[1:], None, words.eos)

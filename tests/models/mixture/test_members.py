from types import SimpleNamespace

import pytest

from lmcompare.errors import InputError
from lmcompare.models.mixture.cache import CacheModel
from lmcompare.models.mixture.members import find_member
from lmcompare.models.mixture.options import CacheOptions
from lmcompare.models.ngram.model import NgramModel
from lmcompare.text.tokenizers.word import WordTokenizer


def test_a_named_member_is_the_trained_model_of_that_name(training, ngram) -> None:
    trained = ngram()
    assert find_member(training(CacheOptions(), cache=trained), "over", "cache") is trained


def test_a_kind_or_a_table_is_trained_in_a_work_folder_of_its_own(training) -> None:
    job = training(CacheOptions())
    assert isinstance(find_member(job, "members[1]", "cache"), CacheModel)
    made = find_member(job, "members[0]", {"kind": "ngram", "order": 2})
    assert isinstance(made, NgramModel)
    assert made.order == 2
    assert (job.folder / "members[0]" / "curve.jsonl").is_file()


def test_a_name_that_nothing_has_is_told_with_the_nearest(training, ngram) -> None:
    job = training(CacheOptions(), **{"5-gram": ngram()})
    with pytest.raises(InputError, match=r"members\[2\]: there is no model '5-gran'. Did you mean '5-gram'?"):
        find_member(job, "members[2]", "5-gran")


def test_a_member_of_another_event_space_is_refused(training) -> None:
    other = SimpleNamespace(tokenizer=WordTokenizer(["x"]))
    with pytest.raises(InputError, match=r"over: 'o' has another tokenizer \(word, 4 ids\)"):
        find_member(training(CacheOptions(), o=other), "over", "o")

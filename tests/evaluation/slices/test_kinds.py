from __future__ import annotations

import numpy as np
import pytest

from lmcompare.evaluation.slices import kinds
from lmcompare.evaluation.slices.kinds import by_frequency, by_name, by_place, longest_seen, ranged, script
from lmcompare.models.ngram.family import NGRAM
from lmcompare.registry import Training
from lmcompare.text.tokenizers import TokenizerOptions, build
from lmcompare.text.tokenizers.word import WordTokenizer

BOS, EOS = 0, 1


def text(random: np.random.Generator, sentences: int, size: int) -> np.ndarray:
    parts = [[*random.integers(2, size, random.integers(0, 6)), EOS] for _ in range(sentences)]
    return np.array([token for part in parts for token in part])


def grams(ids: np.ndarray, n: int) -> list[tuple[int, ...]]:
    """The n-gram that ends with each event, `bos` before its sentence, one look-up at a time."""
    found, sentence = [], [BOS] * n
    for token in ids.tolist():
        sentence.append(token)
        found.append(tuple(sentence[-n:]))
        if token == EOS:
            sentence = [BOS] * n
    return found


@pytest.mark.parametrize("piece", [7, 10**6])
def test_the_longest_n_gram_seen_is_what_sets_of_all_n_grams_say(monkeypatch, piece):
    monkeypatch.setattr(kinds, "PIECE", piece)
    random = np.random.default_rng(3)
    for size in (5, 9, 30):
        train, test = text(random, 40, size - 2), text(random, 30, size)
        known = {n: set(grams(train, n)) for n in range(1, 5)}
        wanted = np.zeros(len(test), dtype=int)
        for n in range(1, 5):
            wanted[[gram in known[n] for gram in grams(test, n)]] = n
        assert set(wanted) >= {0, 2, 4}
        assert longest_seen(train, test, bos=BOS, eos=EOS, size=size).tolist() == wanted.tolist()
        assert longest_seen(train[:0], test, bos=BOS, eos=EOS, size=size).tolist() == [0] * len(test)


def test_an_unpruned_n_gram_model_matches_what_was_seen(make_corpus, encoded, tmp_path):
    corpus = make_corpus(40)
    tokenizer = WordTokenizer(["a", "b", "c"])
    both = encoded(corpus, tokenizer)
    options = NGRAM.options.model_validate({"order": 4})
    told = Training(
        options, tokenizer, both.train.documents, both.valid.documents, 1, tmp_path, 1, lambda _: None
    )
    orders = np.concatenate(NGRAM.train(told).matched_order(both.test.documents))
    seen = longest_seen(both.train.ids, both.test.ids, bos=BOS, eos=EOS, size=tokenizer.size)
    # A model knows one `bos`: its match is no longer than the sentence so far, `bos` and the token itself.
    place = np.array([int(kind) for kind in place_of(both.test.ids)])
    assert orders.tolist() == np.minimum(seen, place + 1).tolist()
    assert len(set(orders)) > 2


def place_of(ids: np.ndarray) -> list[int]:
    places, place = [], 0
    for token in ids:
        place += 1
        places.append(place)
        place = 0 if token == EOS else place
    return places


def test_ranges_begin_where_they_say_and_end_at_the_largest_value():
    parted = ranged("frequency", np.array([0, 1, 2, 4, 5, 16, 17, 3]), (0, 1, 2, 5, 17, 65))
    assert parted.keys == ("0", "1", "2-4", "5-16", "17-64")
    assert parted.labels.tolist() == [0, 1, 2, 2, 3, 3, 4, 2]
    assert ranged("place", np.array([1, 900]), (1, 2, 5)).keys == ("1", "2-4", "5+")


def test_what_is_not_in_the_vocabulary_was_never_seen_however_often_training_has_it():
    tokenizer = WordTokenizer(["a", "b"])
    train = tokenizer.encode_document(["a zzz", "a zzz"])
    parted = by_frequency(train, tokenizer.encode_document(["zzz a b"]), tokenizer)
    assert [parted.keys[label] for label in parted.labels] == ["0", "2-4", "0", "2-4"]


def test_places_are_counted_in_each_sentence(make_corpus, encoded):
    test = encoded(make_corpus(20), WordTokenizer(["a", "b", "c"])).test
    parted = by_place(test, EOS)
    wanted = ["1" if place == 1 else "2-4" if place < 5 else "5-16" for place in place_of(test.ids)]
    assert [parted.keys[label] for label in parted.labels] == wanted


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("the", "latin"), ("Ünïcode", "latin"), ("我们", "han"), ("〇", "han"), ("𠮷", "han"),
        ("42", "digit"), ("½", "digit"), ("...", "punctuation"), ("，", "punctuation"), ("$", "punctuation"),
        ("don't", "mixed"), ("T恤", "mixed"), ("слово", "other"), ("かな", "other"), ("<unk>", "unknown"),
    ],
)  # fmt: skip
def test_a_word_is_of_the_script_of_its_characters(word, kind):
    tokenizer = WordTokenizer([word])
    assert script(3, tokenizer) == kind
    assert (script(1, tokenizer), script(2, tokenizer)) == ("eos", "unknown")


def test_bytes_that_are_no_character_and_spaces_are_told_apart():
    tokenizer = build(TokenizerOptions(kind="byte"), [])
    assert [script(index, tokenizer) for index in (0xE6, 32, 65, 48)] == ["part", "space", "latin", "digit"]


def test_rare_names_share_one_slice():
    parted = by_name(["b", "a", "b", "c", "a", "b"], 2, "tags.txt")
    assert parted.keys == ("b", "a", "other")
    assert [parted.keys[label] for label in parted.labels] == ["b", "a", "b", "other", "a", "b"]


def test_a_sign_in_the_text_was_never_seen_either():
    tokenizer = WordTokenizer(["a", "<unk>"])
    train = tokenizer.encode_document(["a <unk>", "a <unk>"])
    parted = by_frequency(train, tokenizer.encode_document(["<unk> a"]), tokenizer)
    assert [parted.keys[label] for label in parted.labels] == ["0", "2-4", "2-4"]

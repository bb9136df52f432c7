import dataclasses
import hashlib

import pytest

from lmcompare.text.corpus import SPLITS, Corpus, Document


def corpus(*, name: str = "x", **splits: list[Document]) -> Corpus:
    return Corpus(name, "X", "en", True, "MIT", {split: splits.get(split, []) for split in SPLITS})


def document(*sentences: str, name: str = "d") -> Document:
    return Document(name, sentences)


def test_sentences_are_those_of_all_documents_in_order() -> None:
    found = corpus(train=[document("a", "b"), document(), document("c")], test=[document("d")])
    assert found.sentences("train") == ["a", "b", "c"]
    assert found.sentences("valid") == []
    assert found.sentences("test") == ["d"]


def test_the_hash_sees_the_text_and_where_it_is_cut_and_nothing_else() -> None:
    base = corpus(train=[document("a", "b"), document("c")], test=[document("d")])
    same = corpus(name="y", train=[document("a", "b", name="other"), document("c")], test=[document("d")])
    assert same.hash == base.hash
    assert dataclasses.replace(base, facts={"x": 1.0}, title="other").hash == base.hash
    others = [
        corpus(train=[document("a"), document("b", "c")], test=[document("d")]),
        corpus(train=[document("a", "b", "c")], test=[document("d")]),
        corpus(train=[document("a", "b"), document("c")], valid=[document("d")]),
        corpus(train=[document("c"), document("a", "b")], test=[document("d")]),
        corpus(train=[document("a", "b "), document("c")], test=[document("d")]),
        corpus(train=[document("a", "b", ""), document("c")], test=[document("d")]),
        corpus(train=[document("a", "b"), document("c"), document()], test=[document("d")]),
    ]
    assert len({base.hash, *(other.hash for other in others)}) == len(others) + 1


def test_the_hash_is_the_same_in_every_run() -> None:
    # Lines, a zero after each document, a one after each split.
    layout = b"\xe4\xb8\xad\nb\n\0c\n\0" + b"\1" + b"\1" + b"d\n\0" + b"\1"
    found = corpus(train=[document("中", "b"), document("c")], test=[document("d")])
    assert found.hash == hashlib.sha256(layout).hexdigest()


def test_a_document_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        document("a").name = "b"  # type: ignore[misc]

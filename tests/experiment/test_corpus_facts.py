from lmcompare.evaluation.seen import SeenIndex
from lmcompare.experiment.run import describe_corpus
from lmcompare.text.corpus import Corpus, Document

LONG = " ".join(f"w{i}" for i in range(14))


def corpus() -> Corpus:
    texts = {"train": (LONG, "a b"), "valid": ("a b", "c d"), "test": (LONG + " new", "e f")}
    splits = {split: [Document(split, lines)] for split, lines in texts.items()}
    return Corpus("toy", "Toy", "en", True, "none", splits)


def test_what_of_a_split_stands_in_train_is_counted_in_lines_and_in_13_grams() -> None:
    text = corpus()
    splits = describe_corpus(text, SeenIndex(text.sentences("train"), "words")).splits
    assert (splits["valid"].duplicates, splits["test"].duplicates) == (1, 0)
    assert splits["test"].overlap_13 == 2 / 3  # of w0..w12, w1..w13, w2..new the first two
    assert splits["valid"].overlap_13 == 0
    assert splits["train"].overlap_13 is None


def test_without_an_index_no_overlap_is_told() -> None:
    assert all(split.overlap_13 is None for split in describe_corpus(corpus()).splits.values())

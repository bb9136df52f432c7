import math
from collections import Counter
from pathlib import Path

import pytest

from lmcompare.errors import InputError
from lmcompare.files import shipped
from lmcompare.text.corpus import SPLITS, Document
from lmcompare.text.encoded import duplicates
from lmcompare.text.grammar_corpus import grammar_corpus, read_grammar
from lmcompare.text.sources import open_corpus

GRAMMAR = """
seed = 7
sentences = { train = 400, valid = 60, test = 61 }
document = [2, 4]
[topics]
fruit = { start = "f", weight = 3 }
rain = { start = "r" }
[rules]
f = "ab:3 cd aab"
r = "xy xz:3"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "grammar.toml").write_text(text, encoding="utf-8")
    return folder / "grammar.toml"


@pytest.fixture
def made(tmp_path: Path) -> tuple[dict[str, list[Document]], dict[str, float | str]]:
    return grammar_corpus(write(tmp_path, GRAMMAR))


def test_the_splits_have_the_sizes_that_are_asked_for(
    made: tuple[dict[str, list[Document]], dict[str, float | str]],
) -> None:
    splits, _ = made
    assert {s: sum(len(d.sentences) for d in splits[s]) for s in SPLITS} == {
        "train": 400,
        "valid": 60,
        "test": 61,
    }
    for split in SPLITS:
        lengths = [len(document.sentences) for document in splits[split]]
        assert set(lengths[:-1]) <= {2, 3, 4} and 1 <= lengths[-1] <= 4
    assert {len(document.sentences) for document in splits["train"]} >= {2, 3, 4}


def test_a_document_keeps_its_topic_and_topics_come_by_their_weights(
    made: tuple[dict[str, list[Document]], dict[str, float | str]],
) -> None:
    splits, _ = made
    topics = Counter()
    for split in SPLITS:
        for document in splits[split]:
            topic = document.name.partition(":")[0]
            allowed = {"fruit": {"ab", "cd", "aab"}, "rain": {"xy", "xz"}}[topic]
            assert set(document.sentences) <= allowed
            topics[topic] += 1
    number = topics.total()
    deviation = math.sqrt(number * 0.75 * 0.25)
    assert abs(topics["fruit"] - 0.75 * number) < 4 * deviation


def test_the_facts_are_the_entropies_by_hand(
    made: tuple[dict[str, list[Document]], dict[str, float | str]],
) -> None:
    splits, facts = made
    fruit, rain = (0.6, 0.2, 0.2), (0.25, 0.75)
    bits_fruit, bits_rain = (-sum(p * math.log2(p) for p in rule) for rule in (fruit, rain))
    given = 0.75 * bits_fruit + 0.25 * bits_rain
    topic = -0.75 * math.log2(0.75) - 0.25 * math.log2(0.25)
    tokens = 0.75 * (0.8 * 3 + 0.2 * 4) + 0.25 * 3
    assert facts["tokens_per_sentence"] == pytest.approx(tokens)
    assert facts["entropy_bits_per_sentence_given_topic"] == pytest.approx(given)
    assert facts["entropy_bits_per_token_given_topic"] == pytest.approx(given / tokens)
    # A sentence tells its topic here, so H(sentence) = H(topic) + H(sentence | topic).
    assert facts["entropy_bits_per_sentence"] == pytest.approx(given + topic)
    assert facts["entropy_bits_per_token"] == pytest.approx((given + topic) / tokens)
    chances = {"ab": 0.45, "cd": 0.15, "aab": 0.15, "xy": 0.0625, "xz": 0.1875}
    for split in ("valid", "test"):
        sentences = [sentence for document in splits[split] for sentence in document.sentences]
        true = -sum(math.log2(chances[s]) for s in sentences) / sum(len(s) + 1 for s in sentences)
        assert facts[f"true_bits_per_token_{split}"] == pytest.approx(true)


def test_two_topics_with_one_rule_are_one(tmp_path: Path) -> None:
    text = GRAMMAR.replace(
        'rain = { start = "r" }', 'rain = { start = "r" }\nmore = { start = "f", weight = 1 }'
    )
    _, facts = grammar_corpus(write(tmp_path, text))
    _, merged = grammar_corpus(write(tmp_path, GRAMMAR.replace("weight = 3", "weight = 4")))
    for key in ("entropy_bits_per_sentence", "tokens_per_sentence", "entropy_bits_per_token_given_topic"):
        assert facts[key] == pytest.approx(float(merged[key]))


def test_the_same_seed_gives_the_same_text_and_another_seed_another(tmp_path: Path) -> None:
    first, _ = grammar_corpus(write(tmp_path, GRAMMAR))
    assert grammar_corpus(write(tmp_path, GRAMMAR))[0] == first
    assert grammar_corpus(write(tmp_path, GRAMMAR.replace("seed = 7", "seed = 8")))[0] != first


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 7", "", "seed: Field required"),
        ("seed = 7", "seed = 7\nsize = 3", "size: Extra inputs"),
        ("train = 400", "train = 0", "sentences.train"),
        ("document = [2, 4]", "document = [4, 2]", "document: the fewest sentences are more than the most"),
        ("weight = 3", "weight = inf", "topics.fruit.weight"),
        ("weight = 3", "weight = 0", "topics.fruit.weight"),
        ('start = "r"', 'start = "q"', "topics.rain.start: there is no rule 'q'"),
        ('r = "xy xz:3"', 'r = "{r}"', "rule leads back to itself"),
        ("[rules]", "[rules", "not a grammar"),
    ],
)
def test_a_faulty_grammar_is_named_with_its_file(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, GRAMMAR.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_grammar(path)
    assert said in str(caught.value) and str(path) in str(caught.value)


def test_an_absent_grammar_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a grammar"):
        read_grammar(tmp_path / "grammar.toml")


def test_zh_daily_is_chinese_without_spaces_and_its_facts_fit_each_other() -> None:
    corpus = open_corpus("zh-daily")
    facts = {key: value for key, value in corpus.facts.items() if isinstance(value, float)}
    assert [len(corpus.sentences(split)) for split in SPLITS] == [12_000, 1_500, 1_500]
    text = "".join(corpus.sentences("train"))
    assert " " not in text and sum("\u4e00" <= c <= "\u9fff" for c in text) > 0.85 * len(text)
    tokens = facts["tokens_per_sentence"]
    assert facts["entropy_bits_per_token"] == pytest.approx(facts["entropy_bits_per_sentence"] / tokens)
    # To know the topic helps, by at most the entropy of the topics (weights 2, 2, 1).
    gain = facts["entropy_bits_per_sentence"] - facts["entropy_bits_per_sentence_given_topic"]
    assert 0 < gain <= -2 * 0.4 * math.log2(0.4) - 0.2 * math.log2(0.2) + 1e-9
    mean = sum(len(s) + 1 for s in corpus.sentences("train")) / 12_000
    assert mean == pytest.approx(tokens, abs=0.1)
    for split in ("valid", "test"):
        assert facts[f"true_bits_per_token_{split}"] == pytest.approx(
            facts["entropy_bits_per_token"], abs=0.05
        )


def test_zh_dailys_entropy_is_the_mean_surprisal_of_a_large_sample() -> None:
    _, grammar = read_grammar(shipped("corpora") / "zh-daily" / "grammar.toml")
    corpus = open_corpus("zh-daily")
    starts = {"购物句": 2.0, "学校句": 2.0, "天气句": 1.0}
    sample = corpus.sentences("train")[:4_000]
    bits = [-math.fsum(grammar.logprobs(sentence, starts)) / math.log(2) for sentence in sample]
    mean = math.fsum(bits) / len(bits)
    deviation = math.sqrt(math.fsum((b - mean) ** 2 for b in bits) / len(bits))
    # Sentences of one document share a topic, so the mean is somewhat wider than for independent ones.
    assert abs(mean - float(corpus.facts["entropy_bits_per_sentence"])) < 6 * deviation / math.sqrt(len(bits))


def test_zh_dailys_repeated_sentences_are_counted() -> None:
    corpus = open_corpus("zh-daily")
    known = set(corpus.sentences("train"))
    expected = {s: sum(x in known for x in corpus.sentences(s)) for s in ("valid", "test")}
    assert duplicates(corpus) == expected
    assert min(expected.values()) > 0

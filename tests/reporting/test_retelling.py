from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from lmcompare import registry
from lmcompare.evaluation.results import Results
from lmcompare.evaluation.telling import notes_of
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.skip_tables import estimate
from lmcompare.models.ngram.unbounded_family import UnboundedOptions, train_unbounded
from lmcompare.reporting.comparison import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.language import language
from lmcompare.reporting.ranked import cost_table, ranked_table
from lmcompare.reporting.retelling import note_of, options_of
from lmcompare.reporting.verdict import cautions
from lmcompare.text.tokenizers import TokenizerOptions, build

EN, ZH = language("en"), language("zh")
LINES = ["the cat sees the dog .", "the dog sees a cat .", "a bird sees the cat .", "the cat likes a bird ."]
ZIPF = [
    " ".join(f"w{index}" for index in row)
    for row in np.random.default_rng(5).choice(
        60, (80, 9), p=(1 / np.arange(1, 61)) / sum(1 / np.arange(1, 61))
    )
]
OPTIONS = [
    {"order": 3},
    {"order": 3, "smoothing": "katz"},
    {"order": 2, "smoothing": "katz", "lines": ZIPF},
    {"order": 3, "smoothing": "absolute", "lines": LINES[:1] * 3},
    {"order": 3, "smoothing": "jelinek-mercer"},
    {"order": 2, "smoothing": "add-k"},
    {"order": 2, "smoothing": "pitman-yor"},
    {"order": 3, "discounts": "tuned"},
    {"order": 3, "entropy_prune": 1e-2},
    {"order": 3, "quantise": 8},
]


def notes() -> list[str]:
    """What models of all sorts have to tell."""
    found = []
    for changes in OPTIONS:
        lines = changes.get("lines", LINES)
        tokenizer = build(TokenizerOptions(kind="word"), lines)  # type: ignore[arg-type]
        text = [tokenizer.encode_document(lines)]  # type: ignore[arg-type]
        options = NgramOptions(**{key: value for key, value in changes.items() if key != "lines"})  # type: ignore[arg-type]
        found += train_ngram(text, tokenizer, options, text).notes
    tokenizer = build(TokenizerOptions(kind="word"), LINES)
    text = [tokenizer.encode_document(LINES)]
    for discounts in ("tuned", "textbook"):
        found += train_unbounded(text, tokenizer, UnboundedOptions(discounts=discounts), text).notes  # type: ignore[arg-type]
    return list(dict.fromkeys(found))


def test_every_note_of_a_model_is_told_in_both_languages_with_its_numbers() -> None:
    every = notes()
    assert len(every) >= 15
    for note in every:
        assert note_of(note, EN) == note
        chinese = note_of(note, ZH)
        assert re.search("[一-鿿]", chinese), f"no string fits {note!r}"
        assert sorted(re.findall(r"\d+\.\d+", chinese)) == sorted(re.findall(r"\d+\.\d+", note))
        assert note_of(f"KN, 3: {note}", ZH) == f"KN, 3: {chinese}"
    assert note_of("a plug-in's own words: 3", ZH) == "a plug-in's own words: 3"


def test_notes_of_facts_and_of_gapped_ngrams_are_told_in_both_languages() -> None:
    network = SimpleNamespace(
        facts={"precision": "float32", "threads": 2, "tried": [1, 2, 3], "valid_tokens": 5000}
    )
    said = notes_of(network)  # type: ignore[arg-type]
    tokens = np.array([2, 3, 2])
    _, gapped = estimate(np.array([[1, 2, 3]]), tokens, 4, 1)
    assert len(said) == 2 and gapped
    for note in [*said, *gapped]:
        assert re.search("[一-鿿]", note_of(note, ZH))
    assert note_of(said[1], ZH) == "在 5,000 个验证词元上试过 3 种设置，因此验证文本自身的困惑度偏低"


@pytest.mark.parametrize(
    ("summary", "chinese"),
    [
        ("defaults", "默认选项"),
        ("width 64, layers 3, lr 0.004", "宽度 64、层数 3、学习率 0.004"),
        ("ngram_embeddings [2, 3, 4], epochs 3.0", "n 元组向量 [2, 3, 4]、轮数 3.0"),
        ("order 5, corpus other, first 1,000 sentences", "阶数 5、语料 other、只用前 1,000 句"),
        ("KN + LSTM, bins order x cache", "KN + LSTM、分组 order x cache"),
        ("no_such_key 3, 7", "no_such_key 3, 7"),
    ],
)
def test_options_are_told_by_their_names(summary: str, chinese: str) -> None:
    assert options_of(summary, ZH) == chinese
    assert options_of(summary, EN) == summary


@pytest.mark.parametrize("kind", registry.models.names())
def test_every_option_of_a_family_has_a_name_in_both_languages(kind: str) -> None:
    for option in registry.models.get(kind).options.model_fields:
        assert f"option.{option}" in EN.strings and f"option.{option}" in ZH.strings


def test_notes_and_the_tuning_budget_stand_in_the_report(make_results: Callable[..., Results]) -> None:
    results = make_results("zh")
    assert "tried" not in [column.key for column in cost_table(results, ZH).columns]
    results.models[0].notes = ["k is fitted on the validation text, whose own perplexity is too low thereby"]
    results.models[0].tried, others = 1234, [model.name for model in results.models[1:]]
    page = to_html(Comparison(results, "zh"))
    assert "k 是在验证文本上拟合的" in page and "选定之前试过 1,234 种设置" in page
    table = cost_table(results, EN)
    place = [column.key for column in table.columns].index("tried")
    told = {row[0].text: row[place].text for row in table.rows}
    assert told == {results.models[0].name: "1,234", **dict.fromkeys(others, "–")}
    assert "tried" in [column.key for column in ranked_table(results, EN).columns]


def test_unlike_tuning_budgets_are_a_caution(make_results: Callable[..., Results]) -> None:
    results = make_results("en")

    def said(*tried: int | None) -> str:
        for model, number in zip(results.models, [*tried, *[tried[-1]] * 9], strict=False):
            model.tried = number
        return " ".join(cautions(results, EN))

    first = results.models[0].name
    assert "tried" not in said(None) and "tried" not in said(4)
    assert f"{first} 40" in said(40, 2) and "not tuned alike" in said(40, 2)
    assert f"before the one shown: {first} 40; of the other models" in said(40, None)

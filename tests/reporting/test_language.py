from __future__ import annotations

import ast
import importlib.resources
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import lmcompare.reporting
from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.evaluation.results import (
    POLICIES,
    Generation,
    PairedDifference,
    SplitInfo,
    SplitName,
    Variation,
)
from lmcompare.evaluation.results.limits import SearchRow
from lmcompare.evaluation.results.slices import SlicingName
from lmcompare.evaluation.results.unit_table import UNITS, Treatment
from lmcompare.evaluation.slices.kinds import SCRIPTS
from lmcompare.reporting.language import LANGUAGES, language
from lmcompare.reporting.ranked import ranked_table
from lmcompare.reporting.sections.pareto import PRICES
from lmcompare.reporting.sections.targeted import MEASURES
from lmcompare.reporting.sections.truth import KINDS, WHY
from lmcompare.text.grammar_corpus import grammar_corpus
from lmcompare.text.synthetic.drawing import synthetic_corpus
from lmcompare.text.tokenizers.ordered import ORDERS

SOURCES = Path(lmcompare.reporting.__file__).parent
TEMPLATE = (SOURCES / "templates" / "report.html.j2").read_text(encoding="utf-8")
EN, ZH = language("en"), language("zh")
SPLITS = ("train", *get_args(SplitName))
RESAMPLED = get_args(PairedDifference.model_fields["unit"].annotation)
COUNTED = get_args(Generation.model_fields["unit"].annotation)
# What stands in the holes of keys that are put together from the data.
HOLES: dict[str, list[str]] = {
    "text.*": ["token", "byte", *COUNTED, *POLICIES, *get_args(SplitName), *RESAMPLED],
    "text.count_*": list(RESAMPLED),
    "split.*": [*SPLITS, *SplitInfo.model_fields],
    "generation.*": [name for name in Generation.model_fields if name not in ("samples", "length", "unit")],
    "context.*": ["tokenizer", "context", "policy", "mean", "least", "events", "native", "matched"],
    "table.policy_*": list(POLICIES),
    "figure.curve.*": ["floor", "floor_topic"],
    "grid.*": ["static", "dynamic", "size", "seconds"],
    "figure.*.title": ["grid", "perplexity", "curve", "pairs", "surprisal", "next", "cost"],
    "figure.*.caption": ["grid", "perplexity", "curve", "pairs", "surprisal", "next", "cost"],
    "inside.gate_*": ["input", "forget", "output", "reset", "update"],
    "position.*": ["sentence", "document", "gain", "even", "loss"],
    "position.x_*": ["sentence", "document"],
    "windows.*": [
        "model",
        "window",
        "stride",
        "perplexity",
        "saved",
        "mean_context",
        "least_context",
        "reads",
    ],
    "truth.column_*": ["model", "bits", "characters", "drawn", "impossible"],
    "truth.kind_*": list(KINDS),
    "truth.why_*": list(WHY),
    "pareto.*": list(PRICES),
    "extremes.*": ["tokens", "sentences", "documents", "token", "byte"],
    "calibration.*": [
        "ece",
        "ece_every",
        "confidence",
        "top_1",
        "top_5",
        "top_10",
        "entropy",
        "surprisal",
        "excess",
    ],
    "calibration.*_meaning": [
        "ece",
        "ece_every",
        "confidence",
        "top_1",
        "top_5",
        "top_10",
        "entropy",
        "surprisal",
        "excess",
    ],
    "slices.title_*": list(get_args(SlicingName)),
    "slices.x_*": list(get_args(SlicingName)),
    "slices.caption_*": list(get_args(SlicingName)),
    "slices.at_*": ["order", "frequency"],
    "slices.key_*": list(SCRIPTS),
    "slices.unit_*": ["token", "byte"],
    "slices.y_*": ["token", "byte"],
    "slices.resampled_*": list(RESAMPLED),
    "significance.unit_*": list(RESAMPLED),
    "significance.spread.*": [name for name in Variation.model_fields],
    "targeted.*": ["model", "texts", "accuracy", "first", "perplexity", "unknown"],
    "targeted.column_*": ["model", "pairs", "ties", *MEASURES, "known_pairs"],
    "targeted.table_*": list(MEASURES),
    "orders.*": [*ORDERS, "more", "less", "same"],
    "orders.column_*": ["model", "order", "bits_per_byte", "bits_per_sentence", "percent"],
    "gap.*": ["accuracy", "bits"],
    "gap.x_*": ["accuracy", "bits"],
    "gap.column_*": ["model", "order"]
    + [f"{measure}_{side}" for measure in ("accuracy", "rank", "bits") for side in ("before", "both")],
    "length_cost.*": ["step", "scratch"],
    "length_cost.column_*": ["model", "window", "context", "step", "scratch", "ratio"],
    "search.*": ["excess", "length", *get_args(SearchRow.model_fields["method"].annotation)],
    "search.y_*": ["excess", "length"],
    "search.column_*": ["model", "way", "bits", "excess", "length", "empty", "complete", "errors"],
    "search.text_*": ["prompt", "human", "greedy", "beam", "exact"],
    "exposure.*": ["grows", "shrinks", "stays"],
    "exposure.by_*": ["self", "judge"],
    "exposure.to_*": ["self", "judge"],
    "unit_table.*": [*UNITS, *get_args(Treatment)],
    "unit_table.per_*": list(UNITS),
    "overlap.*": ["all", "clean", "dirty"],
    "overlap.*_bytes": ["clean", "dirty"],
    "page.limit_*": [str(number) for number in range(1, 6)],
}
# Keys that only some data have: `say.get` falls back on the data's own word.
OPTIONAL = ("kind", "tokenizer", "lossy", "language", "fact", "axis", "note", "option")


def holes(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def strings_in(node: ast.expr) -> Iterator[str]:
    """The keys that an expression may be, each hole as a star."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from strings_in(node.body)
        yield from strings_in(node.orelse)


def asked_in_code() -> set[str]:
    """Every key that the modules ask for, and every string in them that is a key."""
    found: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                found |= set(strings_in(node.args[0]))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in EN.strings:
                found.add(node.value)
    return found


def asked_in_template() -> set[str]:
    found = set(re.findall(r'say\("([a-z0-9_.]+)"[,)]', TEMPLATE))
    found |= {f"{start}*" for start in re.findall(r'say\("([a-z0-9_.]+)" ~ number\)', TEMPLATE)}
    (parts,) = re.findall(r"for part in \[([^]]+)\]", TEMPLATE)
    found |= {f"page.{part}" for part in re.findall(r'"(\w+)"', parts)}
    return found


def asked() -> set[str]:
    """Every key that is asked for, the holes filled."""
    found: set[str] = set()
    for key in asked_in_code() | asked_in_template():
        if "*" not in key:
            found.add(key)
            continue
        assert key in HOLES or key.startswith("column."), f"what stands in the hole of {key}?"
        found |= {key.replace("*", name) for name in HOLES.get(key, [])}
    return found


def columns() -> set[str]:
    keys = re.search(r"_KEYS = \((.*?)\)", (SOURCES / "ranked.py").read_text(encoding="utf-8"), re.DOTALL)
    assert keys is not None
    return {
        f"column.{key}.{part}" for key in re.findall(r'"(\w+)"', keys[1]) for part in ("label", "meaning")
    }


def test_both_languages_have_the_same_keys() -> None:
    assert EN.strings.keys() == ZH.strings.keys()


@pytest.mark.parametrize("key", sorted(EN.strings))
def test_both_languages_fill_in_the_same_values(key: str) -> None:
    english, chinese = holes(EN.strings[key]), holes(ZH.strings[key])
    assert english == chinese


def test_every_key_that_is_asked_for_exists() -> None:
    assert asked() | columns() <= EN.strings.keys()


def test_every_key_is_asked_for() -> None:
    unused = EN.strings.keys() - asked() - columns()
    assert {key for key in unused if key.partition(".")[0] not in OPTIONAL} == set()


def test_all_that_is_built_in_has_a_name_in_both_languages() -> None:
    kinds = {f"kind.{name}" for name in registry.models.names()}
    tokenizers = {f"tokenizer.{name}" for name in registry.tokenizers.names()}
    assert kinds | tokenizers <= EN.strings.keys(), "name it in both files of strings"


def test_every_fact_of_a_grammar_has_a_name() -> None:
    folder = Path(__file__).resolve().parents[2] / "corpora" / "zh-daily"
    _, facts = grammar_corpus(folder / "grammar.toml")
    _, more, _ = synthetic_corpus(folder.parent / "hidden-zh" / "source.toml", words=False)
    named = {key.removeprefix("fact.") for key in EN.strings if key.startswith("fact.")}
    assert named == facts.keys() | more.keys() | {"splits"}


@pytest.mark.parametrize("key", sorted(ZH.strings))
def test_chinese_sentences_are_chinese(key: str) -> None:
    text = re.sub(r"\{\w+\}", "", ZH.strings[key])
    assert re.search("[一-鿿]", text) or not re.search("[a-z]{2,} [a-z]{2,}", text)


@pytest.mark.parametrize("key", sorted(ZH.strings))
def test_chinese_punctuation_is_full_width(key: str) -> None:
    assert not re.search(r"[一-鿿][,;:?!]|[,;:?!](?=[一-鿿])", ZH.strings[key])


def test_a_sentence_is_filled_in_and_a_missing_value_is_an_error() -> None:
    assert EN("chain.title", number=3, sentence="a b") == "Sentence 3: a b"
    with pytest.raises(KeyError):
        EN("chain.title", number=3)
    with pytest.raises(KeyError):
        EN("no.such.key")
    assert EN.get("kind.no-such", "own word") == "own word"


def test_the_page_is_tagged_with_its_language() -> None:
    assert [language(code).tag for code in LANGUAGES] == ["en", "zh-Hans"]


def test_an_unknown_language_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no report language 'de'. Choose one of: en, zh."):
        language("de")


def test_strings_are_in_the_wheel() -> None:
    folder = importlib.resources.files("lmcompare.reporting") / "strings"
    assert sorted(path.name for path in folder.iterdir()) == ["en", "zh"]
    en, zh = (sorted(path.name for path in (folder / code).iterdir()) for code in LANGUAGES)
    assert en == zh
    assert ranked_table.__module__ == "lmcompare.reporting.ranked"

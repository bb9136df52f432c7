from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lmcompare.errors import InputError
from lmcompare.evaluation.results import Results
from lmcompare.reporting import Comparison


def spoil(change: Callable[[Any], object]) -> Callable[[str], bytes]:
    def spoiled(text: str) -> bytes:
        raw = json.loads(text)
        change(raw)
        return json.dumps(raw).encode()

    return spoiled


def test_what_was_written_is_read(make_results: Callable[..., Results], tmp_path: Path) -> None:
    results = make_results(infinite=True)
    path = tmp_path / "results.json"
    path.write_text(results.model_dump_json(), encoding="utf-8")
    assert Comparison.read(path).results == results


@pytest.mark.parametrize(
    ("spoiled", "where", "what"),
    [
        (lambda text: text[:-2].encode(), "results.json: ", "not JSON: "),
        (lambda _: b"", "results.json: ", "not JSON: "),
        (lambda _: b"\xff\xfe", "results.json: ", "the file is not UTF-8 text"),
        (lambda _: b"[]", "results.json: ", "not the results of an experiment: "),
        (spoil(lambda raw: raw.pop("ranking")), "results.json, ranking: ", "field required"),
        (
            spoil(lambda raw: raw["models"][1]["cost"].pop("parameters")),
            "results.json, models[1].cost.parameters: ",
            "field required",
        ),
        (
            spoil(lambda raw: raw["models"][0]["splits"]["test"]["native"].update(events="many")),
            "results.json, models[0].splits.test.native.events: ",
            "valid integer",
        ),
        (spoil(lambda raw: raw.update(extra=1)), "results.json, extra: ", "not permitted"),
        (
            spoil(lambda raw: raw.update(schema_version=99)),
            "results.json: ",
            "schema version 99 are not known",
        ),
    ],
)
def test_a_spoiled_file_is_told_in_one_sentence_that_names_the_field(
    make_results: Callable[..., Results],
    tmp_path: Path,
    spoiled: Callable[[str], bytes],
    where: str,
    what: str,
) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(spoiled(make_results().model_dump_json()))
    with pytest.raises(InputError) as caught:
        Comparison.read(path)
    message = str(caught.value)
    assert where in message and what in message
    assert "\n" not in message and message.endswith(".")


def test_several_faults_are_counted(make_results: Callable[..., Results], tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(
        spoil(lambda raw: (raw.pop("ranking"), raw.pop("corpus")))(make_results().model_dump_json())
    )
    with pytest.raises(InputError, match=r"\(and 1 more\)"):
        Comparison.read(path)


def test_a_missing_file_and_a_folder_are_told_with_what_to_do(tmp_path: Path) -> None:
    for path in (tmp_path / "results.json", tmp_path):
        with pytest.raises(InputError, match="cannot be read. Run the experiment first"):
            Comparison.read(path)


def test_an_unknown_language_is_refused_at_once(make_results: Callable[..., Results]) -> None:
    with pytest.raises(InputError, match="no report language 'fr'. Choose one of: en, zh"):
        Comparison(make_results(), "fr")


def test_the_language_named_in_the_call_wins(make_results: Callable[..., Results]) -> None:
    comparison = Comparison(make_results(), "zh")
    assert "预测得最好" in comparison.verdict()
    assert "predicts best" in comparison.verdict("en")


def test_everything_goes_into_json_and_comes_back(variant: tuple[str, str, Results]) -> None:
    lang, _, results = variant
    plain = Comparison(results, lang).to_dict()
    again = json.loads(json.dumps(plain, allow_nan=False))
    assert again == plain
    assert Results.model_validate(again["results"]) == results
    assert len(again["table"]["rows"]) == len(results.models)


def test_the_notebook_view_escapes_names(make_results: Callable[..., Results]) -> None:
    results = make_results()
    results.models[0].name = "<b>5-gram</b>"
    results.ranking.order[-1] = "<b>5-gram</b>"
    view = Comparison(results)._repr_html_()
    assert "&lt;b&gt;5-gram&lt;/b&gt;" in view and "<b>" not in view


def test_printed_it_names_the_experiment_and_the_models(make_results: Callable[..., Results]) -> None:
    assert repr(Comparison(make_results())) == "Comparison('demo': 5-gram KN, LSTM 2×512, transformer)"

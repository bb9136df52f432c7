from __future__ import annotations

import numpy as np
import pytest

from lmcompare.evaluation.inside import head_of
from lmcompare.evaluation.results import (
    Analyses,
    Attention,
    Gate,
    Inside,
    InsideCell,
    InsideRow,
    LayerUnits,
    Neighbour,
    Neighbourhood,
    TrainedAt,
    WrittenText,
)
from lmcompare.reporting.drawing import to_svg
from lmcompare.reporting.language import language
from lmcompare.reporting.section import Drawing, Folded
from lmcompare.reporting.sections import inside, sections
from lmcompare.reporting.table import Table

SAID = {
    "en": "the price of an extraordinarily long word".split(),
    "zh": list("我今天去超市买了两斤苹果和一些牛奶"),
}


def attention(tokens, previous=0.7):
    random = np.random.default_rng(0)
    places = len(tokens)
    heads = []
    for layer in (1, 2):
        for head in (1, 2, 3, 4):
            weights = np.tril(random.dirichlet(np.ones(places), places))
            if (layer, head) == (2, 3):
                weights[np.arange(1, places), np.arange(places - 1)] += 20 * previous
            heads.append(head_of(weights / weights.sum(axis=1, keepdims=True), layer, head))
    return Attention(tokens=tokens, layers=2, heads=4, shown=heads)


def layer(number, names, saturated=0.25):
    shares = np.random.default_rng(number).dirichlet(np.ones(3), 12)
    gates = [Gate(name=name, closed=shares[:, 0].tolist(), open=shares[:, 1].tolist()) for name in names]
    histogram = np.random.default_rng(1).dirichlet(np.ones(20)).tolist()
    return LayerUnits(layer=number, units=12, saturated=saturated, histogram=histogram, gates=gates)


@pytest.fixture
def seen(make_results):
    def make(lang="en", **changes):
        results = make_results(lang)
        _, lstm, transformer = (model.name for model in results.models)
        samples = [WrittenText(step=3, tokens=3000, text="a text\n& <b>more</b>")]
        near = [Neighbourhood(token="dog", count=7, nearest=[Neighbour(token="cat", cosine=0.789)])]
        gates = ("input", "forget", "output")
        rows = [
            InsideRow(
                model=lstm,
                seen=InsideCell(
                    samples=samples,
                    neighbours=near,
                    attention=None,
                    layers=[layer(1, gates), layer(2, gates)],
                ),
            ),
            InsideRow(
                model=transformer,
                seen=InsideCell(
                    samples=[],
                    neighbours=near,
                    attention=attention(["<s>", *SAID[lang]], **changes),
                    layers=[],
                ),
            ),
        ]
        return results.model_copy(update={"analyses": Analyses(inside=Inside(rows=rows))})

    return make


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_shows_texts_neighbours_attention_and_gates(seen, lang):
    results = seen(lang)
    found = sections(results, lang)["inside"]
    told = [part.parts[0].texts() for part in found.parts if isinstance(part, Folded)]
    assert told[0] == [["3,000", "a text ⏎ & <b>more</b>"]]
    assert told[1] == told[2] == [["dog", "7", "cat 0.79"]]
    figures = [part for part in found.parts if isinstance(part, Drawing)]
    assert len(figures) == 3
    assert [part.title for part in found.parts if isinstance(part, Folded)] == [
        results.models[1].name,
        results.models[1].name,
        results.models[2].name,
    ]
    drawn = to_svg(figures[1].figure)
    assert all(inside._short(token) in drawn for token in SAID[lang])
    assert language(lang)("inside.gate_forget") in to_svg(figures[2].figure)


def test_findings_tell_of_a_head_that_looks_back_by_one_and_of_saturation(seen):
    rows = seen().analyses.inside.rows
    lstm, transformer = inside._findings(rows, language("en"))
    assert "layer (2) of LSTM 2×512, 25 % of all outputs" in lstm
    assert "head 3 of layer 2 looks mostly at the token just before" in transformer
    rows = seen(previous=0.0).analyses.inside.rows
    assert "No head of transformer" in list(inside._findings(rows, language("en")))[1]


def test_a_head_is_told_by_where_it_looks_on_average():
    weights = np.array([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.125, 0.5, 0.375]])
    head = head_of(weights, 2, 1)
    assert (head.previous, head.first) == (0.375, 0.1875)
    assert head.weights == [[1.0], [0.25, 0.75], [0.125, 0.5, 0.375]]
    assert head_of(np.ones((1, 1)), 1, 1).previous == 0


def test_curves_by_seconds_go_through_the_points_that_were_measured(seen):
    results = seen()
    figure = inside.seconds_curve(results, language("en"))
    lines = figure.axes[0].get_lines()
    for number, model in enumerate(results.models):
        drawn = sorted((point.seconds, point.valid_bits_per_token) for point in model.curve)
        assert np.array_equal(lines[2 * number].get_xydata(), np.array(drawn))


def test_points_of_gates_are_the_units(seen):
    found = layer(1, ("reset", "update"))
    figure = inside.recurrent_units("gru", [found], language("zh"))
    points = figure.axes[2].get_lines()[0].get_xydata()
    assert np.array_equal(points, np.array([found.gates[1].closed, found.gates[1].open]).T)
    assert len(inside.recurrent_units("rnn", [layer(1, ())], language("en")).axes) == 1


def test_without_networks_there_is_a_curve_or_nothing(make_results):
    results = make_results()
    bare = results.model_copy(update={"analyses": Analyses(inside=Inside(rows=[]))})
    assert len(sections(bare)["inside"].parts) == 1
    models = [model.model_copy(update={"curve": []}) for model in bare.models]
    assert "inside" not in sections(bare.model_copy(update={"models": models}))
    assert "inside" not in sections(results)


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", ["NVIDIA H100, bfloat16", "processor, threads: 2, float32", "12 %"]),
        ("zh", ["NVIDIA H100，bfloat16", "处理器，线程数 2，float32", "12%"]),
    ],
)
def test_it_says_how_fast_networks_were_trained_and_what_share_of_the_device_that_is(seen, lang, expected):
    results = seen(lang)
    rows = results.analyses.inside.rows
    shared = {"tokens_per_second": 2_000.0, "flops_per_token": 3e6}
    gpu = {"product_flops_per_second": 5e10, "product_side": 8192, "utilisation": 0.12}
    none = dict.fromkeys(gpu)
    rows[0].seen.speed = TrainedAt(**shared, **gpu, precision="bfloat16", device="NVIDIA H100", threads=1)
    rows[1].seen.speed = TrainedAt(**shared, **none, precision="float32", device="", threads=2)
    (table,) = [part for part in sections(results, lang)["inside"].parts if isinstance(part, Table)]
    first, second = table.texts()
    assert first[1:] == [expected[0], "2,000", "3.00 M", "6.0", "50.0", expected[2]]
    assert second[1:] == [expected[1], "2,000", "3.00 M", "6.0", "–", "–"]
    assert "8,192 × 8,192" in table.notes[0]

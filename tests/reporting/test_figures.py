from __future__ import annotations

import math
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results
from lmcompare.reporting import figures
from lmcompare.reporting.drawing import looks

Draw = Callable[..., Figure]
EVERY: dict[str, Draw] = {
    "curve": figures.learning_curve,
    "pairs": figures.paired_differences,
    "perplexity": figures.perplexities,
    "surprisal": figures.surprisals,
    "next": figures.next_tokens,
    "cost": figures.cost_quality,
    "size": figures.size_quality,
}


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_every_figure_of_every_variant_is_drawn_with_labels_in_its_language(
    variant: tuple[str, str, Results],
) -> None:
    lang, name, results = variant
    for key, draw in EVERY.items():
        figure = draw(results, lang=lang)
        if key == "next":  # the others are drawn in the page of this variant, see test_html
            svg = figures.to_svg(figure)
            ElementTree.fromstring(svg)
            assert "<script" not in svg and "http" not in re.sub(r'xmlns(:\w+)?="[^"]+"', "", svg)
        if not any(axes.axison for axes in figure.axes):
            assert (key, name) in {("pairs", "no pairs"), ("pairs", "single")}
            continue
        for axes in figure.axes:
            label = axes.get_ylabel() if key == "surprisal" else axes.get_xlabel()
            assert bool(re.search("[一-鿿]", label)) == (lang == "zh") and label
        assert bool(re.search("[一-鿿]", figure.get_suptitle())) == (lang == "zh")


@pytest.mark.parametrize(
    ("key", "x", "y"),
    [
        ("curve", "training tokens read (log scale)", "validation bits per token"),
        ("pairs", "difference in bits per token (A − B), native context", ""),
        ("perplexity", "test perplexity", ""),
        ("surprisal", "", "surprisal (bits)"),
        ("next", "probability", ""),
        ("cost", "training time (log scale)", "test perplexity"),
        ("size", "size on disk (log scale)", "test perplexity"),
    ],
)
def test_axes_name_what_they_show_and_its_unit(
    make_results: Callable[..., Results], key: str, x: str, y: str
) -> None:
    for axes in EVERY[key](make_results()).axes:
        assert (axes.get_xlabel(), axes.get_ylabel()) == (x, y)


@pytest.mark.parametrize("key", EVERY)
def test_the_same_results_make_the_same_figure(make_results: Callable[..., Results], key: str) -> None:
    once, again = (figures.to_svg(EVERY[key](make_results("zh"), lang="zh")) for _ in range(2))
    assert once == again


def test_curves_are_the_points_that_were_measured(make_results: Callable[..., Results]) -> None:
    results = make_results()
    (axes,) = figures.learning_curve(results).axes
    drawn = [line.get_xydata() for line in axes.lines if line.get_marker() not in ("None", None)]
    assert len(drawn) == 3
    for line, model in zip(drawn, results.models, strict=True):
        assert line.tolist() == [[point.tokens, point.valid_bits_per_token] for point in model.curve]
    assert sorted(texts(axes)) == sorted(
        f"{model.name}  {model.curve[-1].valid_bits_per_token:.2f}" for model in results.models
    )


def test_a_curve_that_ended_runs_on_as_a_dotted_line(make_results: Callable[..., Results]) -> None:
    results = make_results()
    (axes,) = figures.learning_curve(results).axes
    dotted = [line for line in axes.lines if line.get_linestyle() == ":" and line.get_marker() == "None"]
    assert len(dotted) == 3
    edge = axes.get_xlim()[1]
    for line, model in zip(dotted, results.models, strict=True):
        last = model.curve[-1]
        assert line.get_xydata().tolist() == [
            [last.tokens, last.valid_bits_per_token],
            [pytest.approx(edge), last.valid_bits_per_token],
        ]


def test_the_floors_are_drawn_where_they_are_known(make_results: Callable[..., Results]) -> None:
    results = make_results("zh")
    results.corpus.facts["entropy_bits_per_token_given_topic"] = 3.5
    (axes,) = figures.learning_curve(results).axes
    assert "entropy of the language: 3.871" in texts(axes)
    assert "exact entropy, topic known: 3.500" in texts(axes)
    assert axes.get_ylim()[0] < 3.5
    (axes,) = figures.learning_curve(make_results("en")).axes
    assert not any("entropy" in text for text in texts(axes))


def test_an_infinite_validation_loss_is_left_out_of_the_curve(make_results: Callable[..., Results]) -> None:
    results = make_results()
    results.models[0].curve[0].valid_bits_per_token = math.inf
    (axes,) = figures.learning_curve(results).axes
    assert not any("5-gram" in text for text in texts(axes))
    for model in results.models:
        model.curve = []
    (axes,) = figures.learning_curve(results).axes
    assert texts(axes) == ["nothing to show"]


def test_intervals_are_drawn_from_end_to_end_in_the_colour_of_the_better_model(
    make_results: Callable[..., Results],
) -> None:
    results = make_results(tie=True)
    (axes,) = figures.paired_differences(results).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["transformer − LSTM 2×512", "transformer − 5-gram KN", "LSTM 2×512 − 5-gram KN"]
    delta = math.log2(121.5) - math.log2(220.14)
    seeds, line = axes.lines[3:5]
    assert list(line.get_xdata()) == pytest.approx([delta - 0.031, delta + 0.031])
    assert line.get_color() == looks(results)["transformer"].colour
    # Thin, the interval over texts and seeds; where the seeds are not known it is not there.
    assert list(seeds.get_xdata()) == pytest.approx([delta - 0.05, delta + 0.05])
    assert seeds.get_linewidth() < line.get_linewidth()
    for one in results.comparisons:
        one.seeds95 = None
    (bare,) = figures.paired_differences(results).axes
    assert len(bare.lines) == len(axes.lines) - 3
    assert axes.lines[0].get_color() not in {look.colour for look in looks(results).values()}  # a tie is grey


def test_pairs_in_different_units_stand_in_panels_of_their_own(make_results: Callable[..., Results]) -> None:
    token, byte = figures.paired_differences(make_results(spaces=True)).axes
    assert "bits per token" in token.get_xlabel() and len(token.get_yticks()) == 1
    assert "bits per byte" in byte.get_xlabel() and len(byte.get_yticks()) == 2


def test_a_policy_asked_for_is_the_policy_drawn(make_results: Callable[..., Results]) -> None:
    (axes,) = figures.paired_differences(make_results(), policy="matched").axes
    assert axes.get_xlabel().endswith("matched context")
    assert axes.lines[2].get_xdata()[0] == pytest.approx(math.log2(133.8) - math.log2(139.2))


def test_bars_are_as_long_as_the_perplexities(make_results: Callable[..., Results]) -> None:
    (axes,) = figures.perplexities(make_results()).axes
    values = [104.2, 133.8, 121.9, 139.2, 220.14, 214.3]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(values)
    assert [bool(bar.get_hatch()) for bar in axes.patches] == [False, True] * 3
    assert texts(axes)[:2] == ["104.2  native", "133.8  matched"]


def test_an_infinite_perplexity_has_a_sign_and_no_bar(make_results: Callable[..., Results]) -> None:
    (axes,) = figures.perplexities(make_results(infinite=True)).axes
    assert len(axes.patches) == 4
    assert texts(axes)[-2:] == [" ∞  native", " ∞  matched"]


def test_different_event_spaces_are_drawn_in_bits_per_byte_with_their_intervals(
    make_results: Callable[..., Results],
) -> None:
    results = make_results(spaces=True)
    (axes,) = figures.perplexities(results).axes
    assert axes.get_xlabel() == "bits per byte of test text"
    scores = results.models[0].splits["test"]["native"]
    total = scores.bits_per_token * scores.events
    size = total / scores.bits_per_byte  # bytes of the text
    assert axes.patches[0].get_width() == pytest.approx(scores.bits_per_byte)
    ends = [math.log2(end) * scores.events / size for end in scores.ci95]
    assert list(axes.lines[0].get_xdata()) == pytest.approx(ends)


def test_bars_of_surprisal_are_bits_and_an_impossible_token_reaches_the_top(
    make_results: Callable[..., Results],
) -> None:
    results = make_results(infinite=True)
    (axes,) = figures.surprisals(results, 0).axes
    first, *_, last = axes.containers  # transformer, ..., 5-gram
    steps = results.models[2].chains[0]
    bits = [-step.logprob / math.log(2) for step in steps]
    assert [bar.get_height() for bar in first] == pytest.approx(bits)
    assert last[3].get_height() == pytest.approx(axes.get_ylim()[1])
    assert texts(axes) == ["∞"]


def test_a_long_sentence_is_drawn_in_lines(make_results: Callable[..., Results]) -> None:
    results = make_results(models=1)
    results.models[0].chains[0] *= 4  # 44 tokens
    figure = figures.surprisals(results, 0)
    assert [len(axes.get_xticks()) for axes in figure.axes] == [18, 18, 8]


def test_models_with_different_tokens_stand_in_panels_of_their_own(
    make_results: Callable[..., Results],
) -> None:
    results = make_results()
    results.models[2].chains[0] = results.models[2].chains[0][:4]
    assert [len(axes.get_xticks()) for axes in figures.surprisals(results, 0).axes] == [4, 11]


def test_next_tokens_are_at_most_so_many_and_named(make_results: Callable[..., Results]) -> None:
    results = make_results(models=2)
    figure = figures.next_tokens(results, 1, top=3)
    assert figure.get_suptitle() == "What comes next?  After “a function”"
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["LSTM 2×512", "5-gram KN"]
    probabilities = [one.probability for one in results.models[1].predictions[1].candidates[:3]]
    assert [bar.get_width() for bar in figure.axes[0].patches] == pytest.approx(probabilities)


@pytest.mark.parametrize("draw", [figures.surprisals, figures.next_tokens])
def test_a_number_that_does_not_exist_shows_nothing(make_results: Callable[..., Results], draw: Draw) -> None:
    (axes,) = draw(make_results(), 99).axes
    assert texts(axes) == ["nothing to show"]


def test_points_lie_at_training_time_and_perplexity(make_results: Callable[..., Results]) -> None:
    results = make_results()
    (axes,) = figures.cost_quality(results).axes
    points = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() != "None"]
    assert points == [[6.1, 220.14], [566.0, 121.9], [488.0, 104.2]]
    assert sorted(texts(axes)) == ["5-gram KN", "LSTM 2×512", "transformer"]


def test_points_lie_at_size_and_perplexity(make_results: Callable[..., Results]) -> None:
    results = make_results()
    results.models[2].cost.bytes = 0  # nothing was saved
    (axes,) = figures.size_quality(results).axes
    points = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() != "None"]
    assert points == [[180e6, 220.14], [99.6e6, 121.9]]
    assert axes.get_xscale() == "log" and sorted(texts(axes)) == ["5-gram KN", "LSTM 2×512"]


def test_an_untrained_or_infinite_model_has_no_point(make_results: Callable[..., Results]) -> None:
    results = make_results(infinite=True)
    results.models[1].cost.train_seconds = 0
    (axes,) = figures.cost_quality(results).axes
    assert texts(axes) == ["transformer"]


def test_the_split_that_was_scored_is_named(make_results: Callable[..., Results]) -> None:
    results = make_results()
    for model in results.models:
        model.splits.pop("test")
    assert figures.perplexities(results).axes[0].get_xlabel() == "validation perplexity"
    assert figures.cost_quality(results, "zh").axes[0].get_ylabel() == "验证集困惑度"


def test_names_with_dollars_underscores_and_tags_are_shown_as_they_are(
    make_results: Callable[..., Results],
) -> None:
    results = make_results(models=2)
    name = "_$5$-gram <b>&_"
    results.models[0].name = results.ranking.order[1] = name
    for found in results.comparisons:
        found.a = name
    for draw in EVERY.values():
        root = ElementTree.fromstring(figures.to_svg(draw(results)))
        assert any(name in (element.text or "") for element in root.iter("{http://www.w3.org/2000/svg}text"))

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results
from lmcompare.reporting.drawing import INK, looks, style, to_png, to_svg

SVG = "{http://www.w3.org/2000/svg}"


def draw(label: str = "one", text: str = "text", title: str = "a title") -> Figure:
    with style():
        figure = Figure(figsize=(4, 2), label=label)
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], marker="o")
        axes.bar([0], [1], hatch="//")
        axes.set_xlabel(text)
        figure.suptitle(title)
    return figure


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_each_model_has_one_look_whatever_wins(make_results: Callable[..., Results]) -> None:
    results = make_results()
    before = looks(results)
    results.ranking.order.reverse()
    assert looks(results) == before
    assert len({(look.colour, look.marker) for look in before.values()}) == 3


def test_twelve_models_can_be_told_apart(make_results: Callable[..., Results]) -> None:
    results = make_results(models=1)
    results.models = [results.models[0].model_copy(update={"name": str(number)}) for number in range(12)]
    every = looks(results).values()
    assert len({(look.colour, look.marker, str(look.dash)) for look in every}) == 12


def test_colours_stand_out_from_a_light_and_a_dark_page(make_results: Callable[..., Results]) -> None:
    results = make_results(models=1)
    results.models = [results.models[0].model_copy(update={"name": str(number)}) for number in range(6)]
    for look in looks(results).values():
        assert contrast(look.colour, "#ffffff") >= 3  # WCAG 1.4.11 asks 3 of graphical objects
        assert contrast(look.colour, "#14181d") >= 3


def test_the_callers_settings_come_back() -> None:
    before = dict(matplotlib.rcParams)
    with pytest.raises(RuntimeError), style():
        assert matplotlib.rcParams["svg.fonttype"] == "none"
        raise RuntimeError
    to_svg(draw())
    assert dict(matplotlib.rcParams) == before


def test_text_in_a_figure_stays_text_and_is_escaped() -> None:
    svg = to_svg(draw(text="困惑度 <b>&\"' $x$"))
    assert "<b>" not in svg
    texts = [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert "困惑度 <b>&\"' $x$" in texts


def test_ink_follows_the_page_and_nothing_is_filled_behind_it() -> None:
    svg = to_svg(draw())
    assert "currentColor" in svg and INK not in svg
    assert "fill: #ffffff" not in svg and "<metadata" not in svg and "<?xml" not in svg


def test_a_figure_is_named_by_its_title_or_by_what_is_given() -> None:
    assert re.match(r'<svg role="img" aria-label="a title" ', to_svg(draw()))
    assert 'aria-label="&lt;what&gt; &quot;it&quot; shows"' in to_svg(draw(), '<what> "it" shows')


def test_ids_of_two_figures_differ_and_references_find_theirs() -> None:
    one, other = to_svg(draw("one")), to_svg(draw("other"))
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, other)]
    assert ids[0] and not ids[0] & ids[1]
    for svg, own in zip((one, other), ids, strict=True):
        used = re.findall(r'href="#([^"]+)"', svg) + re.findall(r"url\(#([^)]+)\)", svg)
        assert used and set(used) <= own


def test_the_same_figure_is_the_same_characters_and_the_same_bytes() -> None:
    assert to_svg(draw()) == to_svg(draw())
    assert to_png(draw()) == to_png(draw())


def test_a_png_has_the_size_asked_for() -> None:
    picture = to_png(draw(), dpi=100)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (400, 200)
    assert b"Software" not in picture

"""How every figure looks and how it leaves: one style, one colour a model, SVG as text, PNG.

Uses matplotlib's objects directly: no pyplot, no global setting is changed, and nothing needs a display.
Knows nothing of what the figures show.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results

INK = "#1b1f24"
FAINT = "#8b949e"
# Blue, vermilion, green, purple, sky, ochre: told apart with any colour vision (after Okabe and Ito), and
# with 3:1 contrast or more on white and on near-black; line and marker differ too, for print in grey.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b0569a", "#3f97d4", "#a87900")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), "-.", (0, (1, 1)), (0, (8, 2, 1, 2)))
_CJK = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Noto Sans CJK JP",  # the name under which matplotlib finds the collection that holds all of them
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Heiti SC",
    "Arial Unicode MS",
)
_FAMILIES = "system-ui,-apple-system,'Segoe UI','Noto Sans','DejaVu Sans'," + ",".join(
    f"'{name}'" for name in _CJK if "JP" not in name and "Serif" not in name
)


@dataclass(frozen=True, slots=True)
class Look:
    """How one model is drawn in every figure of a report."""

    colour: str
    marker: str
    dash: Any


def looks(results: Results) -> dict[str, Look]:
    """The look of each model, by its place in the experiment: the same in all figures, whatever wins."""
    models = [*results.models, *results.reordered]
    return {model.name: look(index) for index, model in enumerate(models)}


def look(index: int) -> Look:
    """The look of the line with this number; thirty-six of them differ."""
    kinds = len(_COLOURS)
    turn = (index + index // kinds) % kinds
    return Look(_COLOURS[index % kinds], _MARKERS[turn], _DASHES[turn])


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The settings under which a figure is built and drawn; those of the caller come back at the end."""
    settings: Any = {  # matplotlib's type for the keys differs from version to version
        "font.family": list(_installed()),
        "font.size": 10,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlecolor": INK,
        "axes.unicode_minus": True,
        "grid.color": FAINT,
        "grid.alpha": 0.3,
        "grid.linewidth": 0.6,
        "text.color": INK,
        "text.usetex": False,
        "text.parse_math": False,  # a token or a name may hold dollar signs
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "figure.constrained_layout.use": True,
        "legend.frameon": False,
        "hatch.linewidth": 1.2,
        "svg.fonttype": "none",
        "svg.hashsalt": "lmcompare",
        "path.simplify": True,
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Where no Chinese font is installed, text is measured with what there is. The SVG keeps the
        # text as text, so the viewer's fonts draw it; a PNG shows boxes: without a font there is no more.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from", category=UserWarning)
        yield


def to_svg(figure: Figure, alt: str = "") -> str:
    """The figure as an SVG element that can stand in a page: same figure, same characters.

    Text stays text (so Chinese is drawn by the viewer's fonts, and can be searched and read aloud), ink is
    `currentColor` (so it follows a dark page), and ids are unlike those of any other figure.

    Args:
        figure: any figure of `lmcompare.reporting.figures`.
        alt: what the figure shows, for those who cannot see it; its title where not given.
    """
    buffer = io.StringIO()
    with style():
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", metadata=metadata)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"(font-family: |font: [^;\"']*?px )[^;\"]*", rf"\g<1>{_FAMILIES},sans-serif", svg)
    svg = svg.replace(INK, "currentColor")
    mark = "f" + hashlib.sha256(f"{figure.get_label()}\n{svg}".encode()).hexdigest()[:8]
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{mark}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{mark}-\1)", svg)
    svg = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{mark}-\2"', svg)
    label = escape(alt or figure.get_suptitle() or _first_title(figure), quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()


def to_png(figure: Figure, dpi: int = 160) -> bytes:
    """The figure as a PNG on white, drawn with an installed Chinese font where there is one."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


@functools.cache
def _installed() -> tuple[str, ...]:
    """DejaVu for Latin, then the first Chinese font that this machine has."""
    names = {font.name for font in font_manager.fontManager.ttflist}
    chinese = [name for name in _CJK if name in names]
    return ("DejaVu Sans", *chinese[:1])


def _first_title(figure: Figure) -> str:
    return next((str(axes.get_title(loc="left")) for axes in figure.axes), "")

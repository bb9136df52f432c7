"""What a run leaves beside its experiment file: the page and the notebook.

Only files are made here; each renderer stands in a module of its own.
"""

from __future__ import annotations

from pathlib import Path

from lmcompare import files
from lmcompare.evaluation.results import Results
from lmcompare.reporting.comparison import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.notebook import write_notebook

PAGE = "report.html"


def write_report(results: Results, folder: Path, lang: str = "en", *, notebook: bool = True) -> list[Path]:
    """Write `report.html` and, if asked, the executed `report.ipynb`, each whole or not at all.

    Args:
        results: the content of `folder / "results.json"`, which must stand there for the notebook.
        folder: of the experiment.
        lang: "en" or "zh".
        notebook: whether the notebook is written too; starting its kernel takes a few seconds.

    Returns:
        the files that were written.

    Raises:
        InputError: the disk is full, or the notebook cannot be executed.
    """
    comparison = Comparison(results, lang)
    page = folder / PAGE
    files.write_text(page, to_html(comparison))
    return [page, write_notebook(comparison, folder)] if notebook else [page]

"""One `Comparison`, many renderers: terminal, HTML, notebook, Markdown; and the figures.

Reads `results.json` and nothing else; imports no model and no torch.
"""

from lmcompare.reporting.comparison import Comparison

__all__ = ["Comparison"]

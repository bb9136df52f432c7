"""Compare classical and neural language models: one scoring interface, one harness, one report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "evaluate"]

if TYPE_CHECKING:
    from lmcompare.evaluation.api import compare, evaluate


def __getattr__(name: str) -> Any:
    # Imported when first asked for: `import lmcompare` stays quick, and no layer is turned upside down.
    if name in ("compare", "evaluate"):
        import importlib

        return getattr(importlib.import_module("lmcompare.evaluation.api"), name)
    raise AttributeError(f"module 'lmcompare' has no attribute {name!r}")

"""Compare classical and neural language models: one scoring interface, one harness, one report."""

__version__ = "0.1.0"

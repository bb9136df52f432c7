"""Significance, timed: all pairs of six models over ten thousand documents, every interval and test.

    python tests/benchmarks/significance.py --models 6 --documents 10000 --resamples 10000 --seeds 3

Prints figures and fails on none. The first row is all that `lmcompare run` does for one split and one
context; the rows below it are parts of it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from lmcompare.evaluation.resampling import bootstrap_sums, sign_flip_sums
from lmcompare.evaluation.significance import Paired, differences, letters, wilcoxon
from lmcompare.evaluation.significance.intervals import bca
from lmcompare.evaluation.units import Units


def main() -> None:
    """See the head of this module."""
    parser = argparse.ArgumentParser(description="Significance, timed.")
    for name, default in (
        ("models", 6),
        ("documents", 10_000),
        ("resamples", 10_000),
        ("seeds", 3),
        ("runs", 3),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    random = np.random.default_rng(0)
    events = random.integers(50, 300, size=chosen.documents)
    index = np.repeat(np.arange(chosen.documents), events)
    units = Units("documents", chosen.documents, index, events, events * 5)
    nats = events * 4.0 + random.normal(size=(chosen.models, chosen.seeds, chosen.documents)) * 9
    models = {str(i): Paired(units, row, np.zeros(row.shape), "x") for i, row in enumerate(nats)}
    pairs = list(itertools.combinations(models, 2))
    columns = np.concatenate([nats.reshape(-1, chosen.documents), [events, events * 5]]).T
    change, samples = nats[0, 0] - nats[1, 0], random.normal(size=chosen.resamples)

    def whole() -> None:
        found = differences(models, split="test", policy="native", resamples=chosen.resamples)
        letters(list(models), [(one.a, one.b) for one in found if one.p_holm < 0.05])

    parts: dict[str, Callable[[], object]] = {
        f"all of {len(pairs)} pairs": whole,
        "bootstrap, all columns": lambda: bootstrap_sums(columns, chosen.resamples, 0),
        "sign flips, all models": lambda: sign_flip_sums(columns[:, : chosen.models], chosen.resamples, 0),
        "BCa, a pair": lambda: bca(samples, 0.0, change),
        "Wilcoxon, a pair": lambda: wilcoxon(change),
    }
    table = Table(
        title=f"{chosen.models} models, {chosen.seeds} seeds, {chosen.documents:,} documents, "
        f"{chosen.resamples:,} resamples, {os.cpu_count()} cores"
    )
    table.add_column("what")
    table.add_column("seconds", justify="right")
    for what, call in parts.items():
        times = []
        for _ in range(chosen.runs):
            begin = time.perf_counter()
            call()
            times.append(time.perf_counter() - begin)
        table.add_row(what, f"{min(times):.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()

"""What `lmcompare score` says below its table: one surprisal in every unit, and the signature.

Prints; computes no statistic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from lmcompare.errors import InputError
from lmcompare.evaluation.results import UnitScore
from lmcompare.evaluation.signature import Signature, always, computed_with
from lmcompare.evaluation.unit_sizes import sizes
from lmcompare.evaluation.unit_table import Spread, spread_over
from lmcompare.evaluation.units import Units
from lmcompare.files import MANIFEST, digest, read_json
from lmcompare.interface import Floats, Ids, LanguageModel, Tokenizer

_NAMES = {
    "event": "event",
    "token": "token",
    "word": "word",
    "character": "character",
    "han": "Chinese character",
    "byte": "byte",
}
_HEADS = {"without": "without <unk>", "charged": "<unk> charged"}


def spread_of(
    lines: Sequence[str], ids: Ids, logprobs: Floats, tokenizer: Tokenizer, stated: int | None
) -> Spread:
    """One scored text in every unit. Spaces part words unless the text has Chinese characters."""
    size = sizes(lines, ids, tokenizer, words=True)
    if "han" in size.counts and tokenizer.kind != "word":
        size = sizes(lines, ids, tokenizer, words=False)
    events = size.counts["event"]
    place = np.repeat(np.arange(len(lines)), events)
    units = Units("sentences", len(lines), place, events, size.counts["byte"])
    counts, unknown = (
        {unit: values.astype(np.float64) for unit, values in part.items()}
        for part in (size.counts, size.unknown)
    )
    return spread_over([logprobs], ids, units, size, counts, unknown, tokenizer=tokenizer, stated=stated)


def print_units(console: Console, found: Spread) -> None:
    """A row a unit; of a text with unknown tokens, bits without them and with them charged too."""
    from lmcompare.reporting import numbers

    treated = {scores.treatment: {score.unit: score for score in scores.units} for scores in found.scores()}
    more = [treatment for treatment in treated if treatment != "all"]
    table = Table()
    table.add_column("unit")
    for head in ("count", "bits per unit", "perplexity", *(_HEADS[treatment] for treatment in more)):
        table.add_column(head, justify="right")

    def bits(score: UnitScore | None) -> str:
        return numbers.MISSING if score is None else numbers.fixed(score.bits, 3)

    for unit, score in treated["all"].items():
        shown = [f"{score.count:,}", bits(score), numbers.perplexity(score.perplexity)]
        table.add_row(_NAMES[unit], *shown, *(bits(treated[treatment].get(unit)) for treatment in more))
    console.print(table)
    console.print("A line end is one event, word, character and byte, and no token.", highlight=False)
    if found.unknown_events:
        console.print(_unknown(found), highlight=False, soft_wrap=True)


def _unknown(found: Spread) -> str:
    """How many events are unknown, and what they were charged or why they were not."""
    number = f"{found.unknown_events:,}"
    said = f"{number} events unknown to the tokenizer (<unk>), {found.types:,} different"
    if found.signs:
        said = f"unknown events (<unk>): {number}, {found.signs:,} of them <unk> in the text itself"
    if not found.spread:
        return f"{said}, which does not tell how many words that were: to charge them, give --open-vocabulary"
    return f"{said}; charged: p(<unk>) spread over {found.spread:,} unseen types"


def signature_of(
    model: LanguageModel,
    folder: Path,
    lines: Sequence[str],
    *,
    window: int | None,
    stride: int | None,
    stated: int | None,
) -> Signature:
    """All that moves the numbers of one scored text."""
    tokenizer = model.tokenizer
    text = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return Signature(
        {
            "text": f"#{text[:12]}",
            "model": f"{model.kind}#{_digest(folder)}",
            "tokenizer": f"{tokenizer.kind}#{tokenizer.fingerprint[:12]}",
            **always(),
            "policy": model.policy,
            "context": "all" if model.context is None else str(model.context),
            "window": "own" if window is None else str(window),
            "stride": "own" if window is None else str(stride or max(1, window // 2)),
            "dtype": "sum-float64",
            "oov": "text" if stated is None else str(stated),
            **computed_with(),
        }
    )


def _digest(folder: Path) -> str:
    """Of every file of a saved model, by the checksums in its manifest."""
    for place in (folder / "model", folder):
        try:
            return digest(read_json(place / MANIFEST))[:12]
        except InputError:
            continue
    return "unknown"

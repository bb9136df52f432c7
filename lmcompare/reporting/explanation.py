"""The table of one n-gram prediction: a row an order, the longest first, and their sum.

Chooses and formats; computes nothing and draws nothing.
"""

from __future__ import annotations

import math

from lmcompare.evaluation.results import BackoffStep, Explanation
from lmcompare.reporting import numbers
from lmcompare.reporting.details import visible
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import bits
from lmcompare.reporting.table import Column, Table, TableCell

_LONG = 32
"""Characters of an n-gram beyond which its last token is shortened."""


def explanation_table(found: Explanation, say: Language, model: str = "") -> Table:
    """What each order puts into p(token | context), and what that adds up to.

    Columns of which nothing is known (counts, discounts) are left out. Beside a long context the token is
    written as w, which the title explains.
    """
    columns = [
        Column("order", say("explain.order"), "right"),
        Column("gram", say("explain.gram"), "left"),
        Column("seen", say("explain.seen")),
        Column("counted", say("explain.counted")),
        Column("discount", say("explain.discount")),
        Column("own", say("explain.own")),
        Column("weight", say("explain.weight")),
        Column("share", say("explain.share")),
    ]
    token = visible(found.token)
    short = max(len(_gram(token, step, say)) for step in found.steps) > _LONG
    rows = [_row(step, "w" if short else token, say) for step in found.steps]
    logprob = math.log(found.probability) if found.probability > 0 else -math.inf
    total = [TableCell("")] * len(columns)
    total[1] = TableCell(say("explain.sum"))
    total[-1] = TableCell(
        numbers.factor(logprob), note=f"{numbers.fixed(bits(logprob), 2)} {say('explain.bits')}"
    )
    kept = [
        column.key
        for place, column in enumerate(columns)
        if any(row[place].text != numbers.MISSING for row in rows)
    ]
    counted = any(step.counted for step in found.steps)
    notes = [say("explain.mixed" if found.interpolated else "explain.backed_off")]
    if found.interpolated and any(step.discount is not None for step in found.steps):
        notes.insert(0, say("explain.discounted"))
    if any(step.orders > 1 for step in found.steps):
        notes.append(say("explain.orders"))
    if any(step.ratio is not None for step in found.steps):
        notes.insert(0, say("explain.multiplied"))
    if counted and any(step.kinds for step in found.steps):
        notes.append(say("explain.kinds"))
    title = say("explain.title_short" if short else "explain.title", model=model, token=token).strip()
    every = Table(title, tuple(columns), (*rows, tuple(total)), tuple(notes), frozenset({len(rows)}))
    return every.choose(kept)


def _gram(token: str, step: BackoffStep, say: Language) -> str:
    if not step.order:
        return say("explain.any")
    given = " ".join(map(visible, step.context))
    return f"P({token} | {given})" if given else f"P({token})"


def _row(step: BackoffStep, token: str, say: Language) -> tuple[TableCell, ...]:
    return (
        TableCell(_orders(step), step.order),
        TableCell(_gram(token, step, say)),
        TableCell(_of(step.seen, say)),
        TableCell(_of(step.counted, say)),
        TableCell(_taken(step)),
        TableCell(numbers.MISSING if step.own is None else numbers.probability(step.own)),
        TableCell(numbers.MISSING if step.weight is None else numbers.probability(step.weight)),
        TableCell(numbers.probability(step.share), step.share),
    )


def _orders(step: BackoffStep) -> str:
    """The order, or all those that the step stands for."""
    return str(step.order) if step.orders == 1 else f"{step.order - step.orders + 1}–{step.order}"


def _taken(step: BackoffStep) -> str:
    """A discount that is taken off, or one that multiplies."""
    if step.ratio is not None:
        return f"×{numbers.fixed(step.ratio, 3)}"
    return numbers.MISSING if step.discount is None else numbers.fixed(step.discount, 3)


def _of(counts: tuple[int, int] | None, say: Language) -> str:
    return (
        numbers.MISSING if counts is None else say("explain.of", part=f"{counts[0]:,}", all=f"{counts[1]:,}")
    )

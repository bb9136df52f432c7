"""What the evaluation took, in sentences: scoring, and how many times that with statistics and analyses.

Formats what was measured; times nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from lmcompare.evaluation.results import AnalysisSeconds, Results
from lmcompare.reporting import numbers
from lmcompare.reporting.language import Language

NAMED = 3
"""Analyses that are on by default and are named, those that took longest."""


def evaluation_time(results: Results, say: Language) -> list[str]:
    """Scoring against all that is on by default, and what was asked for; nothing where nobody measured."""
    took = results.seconds
    if took is None or not took.scoring:
        return []
    usual = [each for each in took.analyses if each.default]
    asked = [each for each in took.analyses if not each.default]
    scoring = took.scoring + took.scoring_matched
    analysing = sum(each.seconds for each in usual)
    values = {
        "cells": f"{took.cells:,}",
        "scoring": numbers.duration(scoring),
        "native": numbers.duration(took.scoring),
        "matched": numbers.duration(took.scoring_matched),
        "statistics": numbers.duration(took.statistics),
        "analyses": numbers.duration(analysing),
        "statistics_ratio": numbers.fixed((scoring + took.statistics) / scoring, 1),
        "ratio": numbers.fixed((scoring + took.statistics + analysing) / scoring, 1),
    }
    told = [say("evaluation_time.ratio", **values)]
    if usual:
        told.append(say("evaluation_time.longest", list=_named(usual, say, NAMED)))
    if asked:
        told.append(say("evaluation_time.asked", list=_named(asked, say, len(asked))))
    told.append(say("evaluation_time.writing", writing=numbers.duration(took.writing)))
    return told


def _named(analyses: Sequence[AnalysisSeconds], say: Language, most: int) -> str:
    """By the names of their tables in an experiment file, the longest first."""
    longest = sorted(analyses, key=lambda each: -each.seconds)[:most]
    return say("text.comma").join(f"{each.name} {numbers.duration(each.seconds)}" for each in longest)

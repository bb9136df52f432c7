"""The experiments on the limits of autoregression, in the order of the report. Knows what they are called."""

from __future__ import annotations

from lmcompare.evaluation.analysis import Analysis
from lmcompare.evaluation.limits.exposure import EXPOSURE
from lmcompare.evaluation.limits.gap import GAP
from lmcompare.evaluation.limits.length_cost import LENGTH_COST
from lmcompare.evaluation.limits.orders import ORDERS_ANALYSIS
from lmcompare.evaluation.limits.search_errors import SEARCH

LIMITS: tuple[Analysis, ...] = (ORDERS_ANALYSIS, GAP, LENGTH_COST, SEARCH, EXPOSURE)

"""Samples of one model: continuations of the shared prompts, all of equal length in units of text.

A model writes tokens, and how many make up the length is not known before. So it is given the tokens
that the test text takes, and rows that fall short are continued with more: a row's random stream is
its own, so the longer text begins with the shorter one. Knows nothing of what is measured.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from lmcompare.evaluation.generation_quality import Continuation, cut
from lmcompare.evaluation.material import Material
from lmcompare.evaluation.options import GenerationOptions
from lmcompare.generation.loop import encode_prompt, generate
from lmcompare.generation.rules import parse
from lmcompare.interface import LanguageModel
from lmcompare.registry import Progress

ATTEMPTS = 5
"""Each with twice the tokens of the one before: a row that is still short then ends in silence."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote.

    Attributes:
        continuations: one a prompt, `None` where the text fell short.
        texts: one a prompt as it would be shown: cut to the length where it is long enough.
        tokens_per_second: tokens drawn per second of wall time, reading the prompts included.
    """

    continuations: list[Continuation | None]
    texts: list[str]
    tokens_per_second: float


def write(
    model: LanguageModel,
    material: Material,
    options: GenerationOptions,
    *,
    seed: int,
    tokens_per_unit: float,
    progress: Callable[[Progress], None] | None = None,
) -> Written:
    """Continue every prompt of the material by `options.length` units.

    Args:
        model: any language model, under its own policy.
        material: prompts.
        options: rule, length, seed.
        seed: of the trained model; each seed writes texts of its own.
        tokens_per_unit: events of the test split under the model's tokenizer / units of it.
        progress: called while it writes.
    """
    prompts = [each.prompt for each in material.human]
    ids = [encode_prompt(model.tokenizer, prompt) for prompt in prompts]
    found: list[Continuation | None] = [None] * len(prompts)
    texts = [""] * len(prompts)
    budget = math.ceil(1.25 * tokens_per_unit * (options.length + 1)) + 4
    tokens, seconds = 0, 0.0
    for _ in range(ATTEMPTS):
        rows = [row for row, continuation in enumerate(found) if continuation is None]
        if not rows:
            break
        begin = time.perf_counter()
        written = generate(
            model,
            [ids[row] for row in rows],
            parse(options.rule),
            max_tokens=budget,
            seed=options.seed + 1_000_003 * seed,
            streams=rows,
            progress=progress,
        )
        seconds += time.perf_counter() - begin
        tokens += sum(len(each.ids) for each in written)
        for row, each in zip(rows, written, strict=True):
            continuation = cut(prompts[row], each.text, options.length, material.unit)
            found[row] = continuation
            texts[row] = each.text if continuation is None else continuation.text
        budget *= 2
    return Written(found, texts, tokens / max(seconds, 1e-9))

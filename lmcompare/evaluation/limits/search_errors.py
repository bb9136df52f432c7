"""Analysis `search`: how often decoding misses the most probable end of a sentence, and what that end is.

Some sentences of the text are begun, and greedy decoding, beams, samples and exact search go on from
there. A search error is a prompt with a proven optimum that a method misses (Stahlberg & Byrne 2019): beams
miss it often, and what they miss is often shorter than any person would write. Where the node limit comes
first nothing is proven, and nothing is said of that prompt: what exact search then has is but the best of
the beams. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.averages import mean_with_interval, over_seeds
from lmcompare.evaluation.limits.sentences import choose
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.options.limits import SearchOptions
from lmcompare.evaluation.results.limits import Search, SearchCell, SearchModel, SearchRow, SearchText
from lmcompare.evaluation.targeted.pairs import wilson
from lmcompare.evaluation.units import split_of
from lmcompare.evaluation.windows import spaced
from lmcompare.generation.beam import beam_search
from lmcompare.generation.exact import Optimum, exact_search
from lmcompare.generation.search import Hypothesis, best_sample, continuation_text
from lmcompare.interface import Ids, LanguageModel
from lmcompare.registry import Progress
from lmcompare.text.tokenizers.ordered import order_of

TOLERANCE = 1e-4
"""Nats below the optimum that still count as found: another batch may round another way."""
Method = Literal["greedy", "beam", "normalised", "sample", "exact", "human"]


class SearchAnalysis:
    """See `analysis.Analysis`."""

    name = "search"

    def measure(self, subject: Subject) -> SearchCell | None:
        """Continue the prompts in every way."""
        options, model = subject.options.search, subject.model
        if not options.enabled or order_of(model.tokenizer) != "forward":
            return None  # what begins a sentence for a reader from the end is its end
        split = headline_split(subject.options)
        text, lines = split_of(subject.encoded, split), subject.encoded.corpus.sentences(split)
        sentences = begun(np.asarray(text.ids), lines, model.tokenizer.eos, options)
        if not sentences:
            return None
        found: dict[tuple[Method, int | None], list[Hypothesis]] = {}
        optima: list[Optimum] = []
        for done, sentence in enumerate(sentences):
            subject.tell(Progress("search", done, len(sentences), "exact"))
            prompt = sentence[: options.prompt_tokens]
            ways = searched(model, prompt, options, options_seed=subject.seed * 1_000_003 + done)
            known = [each for each in ways.values() if each.complete]
            optimum = exact_search(
                model,
                prompt,
                max_tokens=options.max_tokens,
                node_limit=options.node_limit,
                bound=max(known, key=lambda each: each.logprob, default=None),
            )
            optima.append(optimum)
            ways["exact", None] = optimum.best or Hypothesis(np.zeros(0, dtype=np.int64), -math.inf, False)
            own = model.score([sentence])[0][len(prompt) :]
            ways["human", None] = Hypothesis(sentence[len(prompt) :], float(own.sum()), True)
            for way, hypothesis in ways.items():
                found.setdefault(way, []).append(hypothesis)
        return SearchCell(
            prompts=len(sentences),
            proven=sum(each.proven and each.best is not None for each in optima),
            longer=sum(each.proven and each.longer for each in optima),
            nodes=float(np.mean([each.nodes for each in optima])),
            rows=[_row(way, each, optima, subject.options) for way, each in found.items()],
            texts=_texts(model, sentences, found, optima, options),
        )

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Search | None:
        """Means over the seeds."""
        rows = []
        for contender in contenders:
            found = [cell.analyses.search for cell in contender.cells if cell.analyses.search is not None]
            if found:
                ways = zip(*(each.rows for each in found), strict=True)
                own = {"texts": found[0].texts, "rows": [over_seeds(way) for way in ways]}
                cell = over_seeds(found).model_copy(update=own)
                rows.append(SearchModel(model=contender.result.name, cell=cell))
        if not rows:
            return None
        return Search(
            split=headline_split(options),
            max_tokens=options.search.max_tokens,
            node_limit=options.search.node_limit,
            rows=rows,
        )


SEARCH = SearchAnalysis()


def begun(text: Ids, lines: Sequence[str], eos: int, options: SearchOptions) -> list[Ids]:
    """Sentences, `eos` included, that go on after the prompt and end in time, evenly spaced.

    The human end must be one that search could have found, else their lengths could not be compared: so it
    has no more than `max_tokens` tokens either.
    """
    least, most = options.prompt_tokens + 1, options.prompt_tokens + options.max_tokens - 1
    fitting = choose(text, lines, eos, least, most, options.prompts).ids
    return [fitting[place] for place in spaced(len(fitting), options.prompts)]


def searched(
    model: LanguageModel, prompt: Ids, options: SearchOptions, *, options_seed: int
) -> dict[tuple[Method, int | None], Hypothesis]:
    """What each inexact way finds: beams (1 is greedy), the widest one normalised by length, samples."""
    most = options.max_tokens
    found: dict[tuple[Method, int | None], Hypothesis] = {}
    sizes = sorted(set(options.beams))
    for size in sizes:
        way: Method = "greedy" if size == 1 else "beam"
        found[way, None if size == 1 else size] = beam_search(model, prompt, size, max_tokens=most)[0]
    normalised = {"length_normalisation": options.length_normalisation}
    found["normalised", sizes[-1]] = beam_search(model, prompt, sizes[-1], max_tokens=most, **normalised)[0]
    found["sample", options.samples] = best_sample(
        model, prompt, options.samples, max_tokens=most, seed=options_seed
    )
    return found


def _row(
    way: tuple[Method, int | None],
    found: Sequence[Hypothesis],
    optima: Sequence[Optimum],
    options: EvaluationOptions,
) -> SearchRow:
    """A way's row: of the prompts with a proven optimum."""
    method, size = way
    proven = [
        (each, optimum.best)
        for each, optimum in zip(found, optima, strict=True)
        if optimum.proven and optimum.best is not None
    ]
    ended = [(each, best) for each, best in proven if each.complete]

    def over_prompts(values: Sequence[float]) -> tuple[float | None, tuple[float, float] | None]:
        if len(values) < 2:  # of one prompt there is a value and no interval
            return (float(values[0]) if values else None), None
        return mean_with_interval(np.array(values), options.resamples, options.seed)

    def share(held: Sequence[bool]) -> tuple[float | None, tuple[float, float] | None]:
        return (sum(held) / len(held), wilson(sum(held) / len(held), len(held))) if held else (None, None)

    bits, bits_ci95 = over_prompts([-each.logprob / math.log(2) for each, _ in ended])
    excess, excess_ci95 = over_prompts([(best.logprob - each.logprob) / math.log(2) for each, best in ended])
    length, length_ci95 = over_prompts([len(each.ids) - 1 for each, _ in ended])
    empty, empty_ci95 = share([each.complete and len(each.ids) == 1 for each, _ in proven])
    missed = [not each.complete or each.logprob < best.logprob - TOLERANCE for each, best in proven]
    looks = method not in ("normalised", "exact", "human")
    return SearchRow(
        method=method,
        size=size,
        complete=sum(each.complete for each in found) / len(found),
        bits=bits,
        bits_ci95=bits_ci95,
        excess=excess,
        excess_ci95=None if method == "exact" else excess_ci95,
        length=length,
        length_ci95=length_ci95,
        empty=empty,
        empty_ci95=empty_ci95,
        errors=sum(missed) if looks else None,
        errors_ci95=share(missed)[1] if looks else None,
    )


def _texts(
    model: LanguageModel,
    sentences: Sequence[Ids],
    found: dict[tuple[Method, int | None], list[Hypothesis]],
    optima: Sequence[Optimum],
    options: SearchOptions,
) -> list[SearchText]:
    """The first prompts with what was found of each; a beam is the widest one."""
    widest = max(options.beams)
    ways: dict[str, tuple[Method, int | None]] = {
        "human": ("human", None),
        "greedy": ("greedy", None),
        "beam": ("greedy", None) if widest == 1 else ("beam", widest),
        "exact": ("exact", None),
    }
    shown = []
    for number in range(min(options.shown, len(sentences))):
        prompt = sentences[number][: options.prompt_tokens]
        texts = {
            name: continuation_text(model.tokenizer, prompt, found[way][number].ids) if way in found else ""
            for name, way in ways.items()
        }
        before = model.tokenizer.decode(prompt)
        shown.append(SearchText(prompt=before, proven=optima[number].proven, **texts))
    return shown

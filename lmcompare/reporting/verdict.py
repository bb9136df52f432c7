"""The numbers as sentences: who predicts best and how sure that is, what else follows, what to mind.

Says only what the paired tests support. Knows nothing of tables, figures and pages.
"""

from __future__ import annotations

import math

from lmcompare.evaluation.results import ModelResult, Results, Scores
from lmcompare.reporting import numbers
from lmcompare.reporting.details import named
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import (
    Difference,
    alike,
    difference,
    differences,
    entropy_floors,
    headline_split,
    in_order,
    same_event_space,
    scores,
)

CLASSICAL = frozenset({"ngram", "kenlm"})
NEURAL = frozenset({"feedforward", "rnn", "gru", "lstm", "transformer", "neural-cache", "dynamic", "knn"})
FEW_UNITS = 20
_ZEROS = 3  # models that are named one by one
_TUNED = 6  # models whose tuning is told one by one, else the most and the least
_CONTEXTS = 3  # the best of those that read on; the table has all of them


def verdict(results: Results, say: Language) -> str:
    """The headline as one sentence: the best model, by how much, how sure, on what text."""
    models = in_order(results)
    if not models:
        return say("verdict.empty")
    first = scores(results, models[0])
    text = _text(results, say)
    values: dict[str, object] = {"best": models[0].name, "text": text}
    if first is not None:
        values["perplexity"] = numbers.with_interval(first.perplexity, first.ci95)
    if len(models) == 1:
        return say("verdict.single", **{"perplexity": numbers.MISSING, **values})
    if results.ranking.refused:
        key = "verdict.refused" if same_event_space(results) else "verdict.refused_spaces"
        return say(key, reason=_refusal(results, say))
    second = scores(results, models[1])
    values["second"] = models[1].name
    if first is not None and math.isinf(first.perplexity):
        return say("verdict.all_infinite", text=text)
    if second is not None and math.isinf(second.perplexity):
        return say("verdict.infinite", **values, zeros=f"{second.zero_probability_events:,}")
    found = difference(results, models[0].name, models[1].name)
    if found is None or not found.finite:
        other = numbers.MISSING if second is None else numbers.with_interval(second.perplexity, second.ci95)
        return say("verdict.untested", **{"perplexity": numbers.MISSING, **values}, other=other)
    if not found.clear:
        key = "verdict.tie_seeds" if found.clear_on_text else "verdict.tie"
        return say(key, **values, **_words(found, say, signed=True))
    if found.value > 0:
        # The ranking and the test disagree only where they were made in different units.
        values["best"], values["second"] = values["second"], values["best"]
        found = difference(results, models[1].name, models[0].name) or found
    key = "verdict.best" if found.unit == "token" else "verdict.best_bytes"
    return say(key, **values, **_words(found, say, signed=False))


def findings(results: Results, say: Language) -> list[str]:
    """What else follows: neural against classical, what context is worth, what is left to learn, cost."""
    models = in_order(results)
    sentences = []
    if not results.ranking.refused:
        sentences += _surety(results, models, say)
        sentences += _families(results, models, say) + _matched(results, say)
    sentences += _context(results, models, say) + _floor(results, models, say)
    trained = [model for model in models if model.cost.train_seconds > 0]
    if len(trained) > 1:
        fast = min(trained, key=lambda model: model.cost.train_seconds)
        slow = max(trained, key=lambda model: model.cost.train_seconds)
        times = {
            "fast_time": numbers.duration(fast.cost.train_seconds),
            "slow_time": numbers.duration(slow.cost.train_seconds),
        }
        sentences.append(say("finding.cost", fast=fast.name, slow=slow.name, **times))
    return sentences


def cautions(results: Results, say: Language) -> list[str]:
    """What to mind before quoting: zeros, unknown words, duplicates, lost text, few units, one seed."""
    sentences = []
    if not same_event_space(results):
        sentences += [say("caution.spaces"), *_lossy(results, say)]
    unknown = [found for model in results.models if (found := scores(results, model)) and found.unk_events]
    if unknown:
        worst = max(unknown, key=lambda found: found.unk_events)
        sentences.append(say("caution.unk", unk=f"{worst.unk_events:,}", events=f"{worst.events:,}"))
    impossible = [
        (found, model) for model in results.models if (found := scores(results, model)) and _zeros(found)
    ]
    few = impossible if len(impossible) <= _ZEROS else [max(impossible, key=lambda pair: _zeros(pair[0]))]
    for found, model in few:
        zeros, events = f"{_zeros(found):,}", f"{found.events:,}"
        sentences.append(say("caution.zeros", model=model.name, zeros=zeros, events=events))
    if len(few) < len(impossible):
        sentences.append(say("caution.zeros_too", count=len(impossible) - 1))
    name = headline_split(results)
    split = results.corpus.splits.get(name)
    if split is not None and split.duplicates:
        counts = {"duplicates": f"{split.duplicates:,}", "sentences": f"{split.sentences:,}"}
        percent = numbers.percent(split.duplicates / split.sentences)
        sentences.append(say("caution.duplicates", split=say(f"split.{name}"), percent=percent, **counts))
    compared = differences(results)
    if compared and min(one.units for one in compared) < FEW_UNITS:
        least = min(compared, key=lambda one: one.units)
        units = say(f"text.count_{least.resampled}", units=least.units)
        sentences.append(say("caution.units", units=units))
    sentences += _tried(results, say)
    once = [model.name for model in results.models if model.drawn and len(model.seeds) < 2]
    if once:
        sentences.append(say("caution.seeds", models=say("text.comma").join(once)))
    return sentences


def _tried(results: Results, say: Language) -> list[str]:
    """Where models were tuned with unlike care, or where that is told of some only."""
    counts = {model.name: model.tried for model in results.models}
    if len(set(counts.values())) < 2:
        return []
    most = sorted(((name, n) for name, n in counts.items() if n), key=lambda pair: -pair[1])
    shown = most if len(most) <= _TUNED else [most[0], most[-1]]
    stated = [say("caution.tried_one", model=name, count=f"{n:,}") for name, n in shown]
    key = "caution.tried" if all(counts.values()) else "caution.tried_some"
    return [say(key, models=say("text.comma").join(stated))]


def _surety(results: Results, models: list[ModelResult], say: Language) -> list[str]:
    """Of the two that the verdict names: what another training may change, what the text could have shown."""
    groups = alike(results)
    sentences = [say("finding.alike", groups=named(groups, say))] if groups and len(models) > 2 else []
    found = difference(results, models[0].name, models[1].name) if len(models) > 1 else None
    if found is None or not found.finite:
        return sentences
    if found.value > 0:
        found = difference(results, models[1].name, models[0].name) or found
    words: dict[str, object] = {"best": found.a, "second": found.b, "unit": say(f"text.{found.unit}")}
    if not found.clear_on_text and found.detectable is not None:
        decimals = max(2, numbers.decimals_of(found.low, found.high, 3))
        sentences.append(
            say("finding.detectable", **words, detectable=numbers.fixed(found.detectable, decimals))
        )
    if found.clear_on_text and found.seeds is not None and found.sd_seeds:
        low, high = found.seeds
        clear = high < 0
        ends = _ends(-high, -low) if clear else _ends(low, high)
        sentences.append(say("finding.seeds_clear" if clear else "finding.seeds_unclear", **words, **ends))
    return sentences


def _ends(low: float, high: float) -> dict[str, str]:
    decimals = max(2, numbers.decimals_of(low, high, 3))
    return {"low": numbers.fixed(low, decimals), "high": numbers.fixed(high, decimals)}


def _families(results: Results, models: list[ModelResult], say: Language) -> list[str]:
    neural = next((model for model in models if model.kind in NEURAL), None)
    classical = next((model for model in models if model.kind in CLASSICAL), None)
    if neural is None or classical is None or {neural.name, classical.name} == {m.name for m in models[:2]}:
        return []  # the verdict has said it already
    found = difference(results, neural.name, classical.name)
    if found is None or not found.finite:
        return []
    key = "finding.families_tie" if not found.clear else "finding.families"
    if found.clear and found.value > 0:
        key = "finding.families_reverse"
        found = difference(results, classical.name, neural.name) or found
    words = _words(found, say, signed=not found.clear)
    return [say(key, neural=neural.name, classical=classical.name, **words)]


def _matched(results: Results, say: Language) -> list[str]:
    """Who predicts best when nobody may look across lines: the fair half of the verdict."""
    found = [(scores(results, model, "matched"), model) for model in results.models]
    unit = results.ranking.unit
    finite = [
        (getattr(one, unit), model) for one, model in found if one and math.isfinite(getattr(one, unit))
    ]
    if len(finite) < 2 or all(model.policy == "sentence" for model in results.models):
        return []  # native and matched are then the same
    (_, best), (_, second), *_ = sorted(finite, key=lambda pair: float(pair[0]))
    pair = difference(results, best.name, second.name, "matched")
    if pair is None or not pair.finite:
        return []
    key = "finding.matched" if pair.clear and pair.value < 0 else "finding.matched_tie"
    words = _words(pair, say, signed=key == "finding.matched_tie")
    told = [say(key, best=best.name, second=second.name, **words)]
    if pair.clear_on_text and pair.seeds is not None and pair.seeds[1] >= 0:
        names = {"best": best.name, "second": second.name, "unit": words["unit"]}
        told.append(say("finding.matched_seeds", **names, **_ends(*pair.seeds)))
    return told


def _context(results: Results, models: list[ModelResult], say: Language) -> list[str]:
    changes = []
    for model in models:
        native, matched = scores(results, model, "native"), scores(results, model, "matched")
        if model.policy != "document" or native is None or matched is None:
            continue
        if math.isfinite(native.perplexity) and math.isfinite(matched.perplexity):
            shown = {
                "native": numbers.perplexity(native.perplexity),
                "matched": numbers.perplexity(matched.perplexity),
            }
            changes.append(say("finding.context_change", model=model.name, **shown))
    if not changes:
        return []
    return [say("finding.context", changes=say("text.semicolon").join(changes[:_CONTEXTS]))]


def _floor(results: Results, models: list[ModelResult], say: Language) -> list[str]:
    floors = [numbers.fixed(value, 3) for _, value in entropy_floors(results)]
    best = scores(results, models[0]) if models else None
    if not floors or best is None or not math.isfinite(best.bits_per_token):
        return []
    values = {"best": models[0].name, "bits": numbers.fixed(best.bits_per_token, 3), "floor": floors[0]}
    if len(floors) == 1:
        error = results.corpus.facts.get("entropy_error_bits_per_token")
        if isinstance(error, float) and error > 0:
            return [say("finding.floor_estimated", error=numbers.fixed(1.96 * error, 3), **values)]
        return [say("finding.floor", **values)]
    return [say("finding.floor_topic", given=floors[1], **values)]


def _lossy(results: Results, say: Language) -> list[str]:
    """Who is spared what: matters only where models predict different tokens."""
    spared: dict[str, list[str]] = {}
    for model in results.models:
        if model.tokenizer.lossy:
            spared.setdefault(_spared(model, say), []).append(model.name)
    return [
        say("caution.lossy", models=say("text.comma").join(names), lossy=reason)
        for reason, names in spared.items()
    ]


def _refusal(results: Results, say: Language) -> str:
    """Why there is no ranking, in the reader's language where that is known (`ranking.why_incomparable`)."""
    names = [
        say("verdict.spared_one", model=model.name, lossy=_spared(model, say))
        for model in results.models
        if model.tokenizer.lossy
    ]
    if same_event_space(results) or not names:
        return results.ranking.refused.rstrip(".")
    return say("verdict.spared", models=say("text.comma").join(names))


def _spared(model: ModelResult, say: Language) -> str:
    return say.get(f"lossy.{model.tokenizer.kind}", model.tokenizer.lossy.rstrip("."))


def _zeros(found: Scores) -> int:
    return found.zero_probability_events


def _text(results: Results, say: Language) -> str:
    found = scores(results, in_order(results)[0])
    events = f"{found.events:,}" if found is not None else numbers.MISSING
    return say(f"text.{headline_split(results)}", title=results.corpus.title, events=events)


def _words(found: Difference, say: Language, *, signed: bool) -> dict[str, str]:
    """The parts of a sentence about a difference; unsigned where the sentence says "fewer"."""
    decimals = max(2, numbers.decimals_of(found.low, found.high, 3))
    value, low, high = found.value, found.low, found.high
    if not signed:
        value, low, high = -value, -high, -low
    percent, least, most = found.percent
    digits = 1 if abs(percent) < 10 else 0
    return {
        "delta": numbers.fixed(value, decimals),
        "low": numbers.fixed(low, decimals),
        "high": numbers.fixed(high, decimals),
        "unit": say(f"text.{found.unit}"),
        "p": numbers.p_value(found.p_holm),
        "units": say(f"text.count_{found.resampled}", units=f"{found.units:,}"),
        "percent": numbers.fixed(percent, digits),
        "least": numbers.fixed(least, digits),
        "most": numbers.fixed(most, digits),
    }

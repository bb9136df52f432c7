"""Two functions for people who have a model and a text: `evaluate` scores it, `compare` sets models apart.

What they return is plain: numbers, `to_dict`, `to_dataframe`, per-token columns. An experiment file does
more (training, seeds, generation, a report); this does not train. Knows nothing of files of experiments.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.cost import folder_bytes
from lmcompare.evaluation.event_scores import EventScores
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.per_token import Columns, columns, write
from lmcompare.evaluation.ranking import compare as compare_rows
from lmcompare.evaluation.ranking import rank
from lmcompare.evaluation.results import (
    POLICIES,
    Cost,
    ModelResult,
    PairedDifference,
    PolicyName,
    Ranking,
    Scores,
    SplitName,
)
from lmcompare.evaluation.score_cache import ScoreCache
from lmcompare.evaluation.scoring import score_split, summaries, tokenizer_info
from lmcompare.evaluation.signature import (
    Signature,
    always,
    computed_with,
    differing,
    joined,
    plugins,
    windows,
)
from lmcompare.evaluation.units import split_of
from lmcompare.files import MANIFEST, digest, home, model_kind, read_json
from lmcompare.interface import LanguageModel, flops_per_token
from lmcompare.models.windowed import windowed
from lmcompare.text.corpus import Corpus
from lmcompare.text.encoded import EncodedCorpus, encode_corpus
from lmcompare.text.sources import open_corpus

if TYPE_CHECKING:
    import pandas

ALIKE = ("corpus", "split", "eos", "bos", "policy", "window", "stride", "unit", "resamples", "resampled")
"""The parts of a signature that evaluations must have in common to be set against each other."""


@dataclass(frozen=True)
class Evaluation:
    """One model, scored on one text.

    Attributes:
        splits: by split and policy, perplexity and bits in every unit with intervals.
        cost: what it took; training is not known here.
        scores: log p of every event.
        encoded: the text in the model's tokens.
        model: its kind, tokenizer, context and policy, as in `results.json`.
        options: how it was evaluated.
        signature: all that moves a number of it.
    """

    splits: dict[SplitName, dict[PolicyName, Scores]]
    cost: Cost
    scores: EventScores
    encoded: EncodedCorpus
    model: ModelResult
    options: EvaluationOptions
    signature: Signature

    def to_dict(self) -> dict[str, Any]:
        """Plain values, by split and policy, and the `signature`."""
        found: dict[str, Any] = {
            split: {policy: scores.model_dump(mode="json") for policy, scores in by_policy.items()}
            for split, by_policy in self.splits.items()
        }
        return {**found, "signature": self.signature.long()}

    def to_dataframe(self) -> pandas.DataFrame:
        """A row a split and policy, with the signature in `attrs`; raises `InputError` without pandas."""
        plain = self.to_dict()
        rows = [
            {"split": split, "policy": policy, **plain[split][policy]}
            for split, by_policy in self.splits.items()
            for policy in by_policy
        ]
        return _framed(rows, self.signature).set_index(["split", "policy"])

    def tokens(self, split: SplitName = "test") -> Columns:
        """A row a token: see `per_token.columns`; the model's column is `logprob`."""
        return columns(self.encoded, split, {"logprob": self.scores})

    def write_tokens(self, path: str | Path, split: SplitName = "test") -> None:
        """The same as a `.parquet` or `.npz` file."""
        write(Path(path), self.tokens(split))


@dataclass(frozen=True)
class Differences:
    """Models set against each other on the same text.

    Attributes:
        pairs: every pair of models that can be compared, on each split under each policy.
        ranking: the models best first, or why there is no such order.
        signature: all that moves a number of it; `models` stands for those that were compared.
    """

    pairs: list[PairedDifference]
    ranking: Ranking
    signature: Signature

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        pairs = [pair.model_dump(mode="json") for pair in self.pairs]
        ranking = self.ranking.model_dump(mode="json")
        return {"pairs": pairs, "ranking": ranking, "signature": self.signature.long()}

    def to_dataframe(self) -> pandas.DataFrame:
        """A row a pair, with the signature in `attrs`; raises `InputError` without pandas."""
        return _framed(self.to_dict()["pairs"], self.signature)


def evaluate(
    model: LanguageModel | str | Path,
    corpus: Corpus | EncodedCorpus | str | Path,
    *,
    splits: Sequence[SplitName] = ("test",),
    window: int | None = None,
    stride: int | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> Evaluation:
    """Score a text with a model: perplexity and bits in every unit, with and without context over lines.

    Args:
        model: a model, or the folder of a saved one; scores of a folder are kept and found again.
        corpus: a corpus, its name, or a path (see `open_corpus`).
        splits: "valid", "test" or both.
        window: tokens that a model may see which reads on over a document.
        stride: tokens by which such a window moves on.
        resamples: samples of each bootstrap.
        seed: of the bootstrap.

    Raises:
        InputError: no such model or text, or a text that was encoded with another tokenizer.
    """
    options = EvaluationOptions(
        splits=list(splits), window=window, stride=stride, resamples=resamples, seed=seed
    )
    cache, size, saved = None, 0, ""
    if not isinstance(model, LanguageModel):
        folder = Path(model)
        cache = ScoreCache.of(home() / "scores", folder, _threads())
        size, saved = folder_bytes(folder), digest(read_json(folder / MANIFEST))
        model = registry.models.get(model_kind(folder), where=str(folder)).load(folder)
    encoded = _encoded(corpus, model)
    seen = model if window is None else windowed(model, window, stride)
    scores = EventScores({}, {})
    found: dict[SplitName, dict[PolicyName, Scores]] = {}
    speed, peak = 0.0, 0
    for split in options.splits:
        scored = score_split(seen, encoded, split, options, cache)
        scores.starts[split] = np.asarray(split_of(encoded, split).starts)
        scores.logprobs[split, "native"] = scored.native
        scores.logprobs[split, "matched"] = scored.matched
        found[split] = summaries(seen, encoded, split, scored, options)
        speed, peak = scored.tokens_per_second, max(peak, scored.peak_memory)
    cost = Cost(
        parameters=seen.parameters,
        bytes=size,
        train_seconds=0.0,
        flops_per_token=flops_per_token(seen, found[options.splits[-1]]["native"].mean_context),
        score_tokens_per_second=speed,
        generate_tokens_per_second=0.0,
        peak_memory_bytes=peak,
    )
    name = f"{model.kind}#{(saved or _unsaved(scores))[:12]}"
    signature = _sign(name, seen, encoded, options)
    return Evaluation(found, cost, scores, encoded, _row(seen, found, cost), options, signature)


def compare(models: Mapping[str, Evaluation]) -> Differences:
    """Set models against each other that were scored on the same text: differences, intervals, p, ranks.

    Args:
        models: evaluations by the name that the result calls them by.

    Raises:
        InputError: fewer than two, or not made alike: another text, split, window, stride, resampling.
    """
    if len(models) < 2:
        raise InputError("one model alone cannot be compared", remedy="Give two evaluations or more")
    first_name, first = next(iter(models.items()))
    for name, other in models.items():
        if other.encoded.corpus.hash != first.encoded.corpus.hash:
            what = f"{first_name!r} and {name!r} were scored on different texts"
            raise InputError(what, remedy="Evaluate them on the same corpus")
        if list(other.splits) != list(first.splits):
            what = f"{first_name!r} and {name!r} were scored on different splits"
            raise InputError(what, remedy="Evaluate them with the same splits")
        if different := differing(first.signature, other.signature, ALIKE):
            told = ", ".join(f"{part} ({a} and {b})" for part, (a, b) in different.items())
            what = f"{first_name!r} and {name!r} were not evaluated alike; they differ in {told}"
            raise InputError(what, remedy="Evaluate them with the same options")
    contenders = [
        Contender(each.model.model_copy(update={"name": name}), [each.scores], each.encoded)
        for name, each in models.items()
    ]
    pairs = compare_rows(contenders, first.options)
    ranking = rank([contender.result for contender in contenders], pairs)
    return Differences(pairs, ranking, joined([each.signature for each in models.values()]))


def _encoded(corpus: Corpus | EncodedCorpus | str | Path, model: LanguageModel) -> EncodedCorpus:
    if isinstance(corpus, EncodedCorpus):
        if corpus.tokenizer.fingerprint != model.tokenizer.fingerprint:
            what = "the text was encoded with another tokenizer than the model's"
            raise InputError(what, remedy="Give the corpus, and it is encoded anew")
        return corpus
    text = corpus if isinstance(corpus, Corpus) else open_corpus(str(corpus))
    return encode_corpus(text, model.tokenizer)


def _threads() -> str:
    return os.environ.get("OMP_NUM_THREADS", str(os.cpu_count()))


def _unsaved(scores: EventScores) -> str:
    """What a model that has no folder is told by: every log p that it gave."""
    found = hashlib.sha256()
    for logprobs in scores.logprobs.values():
        found.update(np.ascontiguousarray(logprobs).tobytes())
    return found.hexdigest()


def _sign(name: str, model: LanguageModel, encoded: EncodedCorpus, options: EvaluationOptions) -> Signature:
    return Signature(
        {
            "corpus": f"{encoded.corpus.name}#{encoded.corpus.hash[:12]}",
            "split": "+".join(options.splits),
            "tokenizer": f"{model.tokenizer.kind}#{model.tokenizer.fingerprint[:12]}",
            **always(),
            "policy": "+".join(POLICIES),
            "context": f"{'all' if model.context is None else model.context}-{model.policy}",
            **windows(options.window, options.stride),
            "model": name,
            "dtype": "sum-float64",
            "unit": options.resample if encoded.corpus.by_document else "sentences",
            "resamples": str(options.resamples),
            "resampled": str(options.seed),
            "threads": _threads(),
            **computed_with(),
            **plugins([model.kind]),
        }
    )


def _row(model: LanguageModel, splits: dict[SplitName, dict[PolicyName, Scores]], cost: Cost) -> ModelResult:
    return ModelResult(
        name=model.kind,
        kind=model.kind,
        seeds=[0],
        summary="",
        tokenizer=tokenizer_info(model.tokenizer),
        context=model.context,
        policy=model.policy,
        splits=splits,
        cost=cost,
        curve=[],
        generation=None,
        chains=[],
        predictions=[],
        samples=[],
    )


def _framed(rows: list[dict[str, Any]], signature: Signature) -> pandas.DataFrame:
    try:
        import pandas
    except ImportError:
        remedy = "Run `python -m pip install pandas`, or use to_dict()"
        raise InputError("a data frame needs pandas", remedy=remedy) from None
    frame = pandas.DataFrame(rows)
    frame.attrs["signature"] = signature.long()
    return frame

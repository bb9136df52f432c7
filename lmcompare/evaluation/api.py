"""Two functions for people who have a model and a text: `evaluate` scores it, `compare` sets models apart.

What they return is plain: numbers, `to_dict`, `to_dataframe`, per-token columns. An experiment file does
more (training, seeds, generation, a report); this does not train. Knows nothing of files of experiments.
"""

from __future__ import annotations

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
from lmcompare.evaluation.units import split_of
from lmcompare.files import home, model_kind
from lmcompare.interface import LanguageModel, flops_per_token
from lmcompare.models.windowed import windowed
from lmcompare.text.corpus import Corpus
from lmcompare.text.encoded import EncodedCorpus, encode_corpus
from lmcompare.text.sources import open_corpus

if TYPE_CHECKING:
    import pandas


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
    """

    splits: dict[SplitName, dict[PolicyName, Scores]]
    cost: Cost
    scores: EventScores
    encoded: EncodedCorpus
    model: ModelResult
    options: EvaluationOptions

    def to_dict(self) -> dict[str, Any]:
        """Plain values, by split and policy."""
        return {
            split: {policy: scores.model_dump(mode="json") for policy, scores in by_policy.items()}
            for split, by_policy in self.splits.items()
        }

    def to_dataframe(self) -> pandas.DataFrame:
        """A row a split and policy, a column a number; raises `InputError` without pandas."""
        rows = [
            {"split": split, "policy": policy, **scores}
            for split, by_policy in self.to_dict().items()
            for policy, scores in by_policy.items()
        ]
        return _pandas().DataFrame(rows).set_index(["split", "policy"])

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
    """

    pairs: list[PairedDifference]
    ranking: Ranking

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        pairs = [pair.model_dump(mode="json") for pair in self.pairs]
        return {"pairs": pairs, "ranking": self.ranking.model_dump(mode="json")}

    def to_dataframe(self) -> pandas.DataFrame:
        """A row a pair; raises `InputError` without pandas."""
        return _pandas().DataFrame(self.to_dict()["pairs"])


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
    cache, size = None, 0
    if not isinstance(model, LanguageModel):
        folder = Path(model)
        cache = ScoreCache.of(home() / "scores", folder, _environment())
        size = folder_bytes(folder)
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
    return Evaluation(found, cost, scores, encoded, _row(seen, found, cost), options)


def compare(models: Mapping[str, Evaluation]) -> Differences:
    """Set models against each other that were scored on the same text: differences, intervals, p, ranks.

    Args:
        models: evaluations by the name that the result calls them by.

    Raises:
        InputError: fewer than two, or not of the same text and splits.
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
    contenders = [
        Contender(each.model.model_copy(update={"name": name}), [each.scores], each.encoded)
        for name, each in models.items()
    ]
    pairs = compare_rows(contenders, first.options)
    return Differences(pairs, rank([contender.result for contender in contenders], pairs))


def _encoded(corpus: Corpus | EncodedCorpus | str | Path, model: LanguageModel) -> EncodedCorpus:
    if isinstance(corpus, EncodedCorpus):
        if corpus.tokenizer.fingerprint != model.tokenizer.fingerprint:
            what = "the text was encoded with another tokenizer than the model's"
            raise InputError(what, remedy="Give the corpus, and it is encoded anew")
        return corpus
    text = corpus if isinstance(corpus, Corpus) else open_corpus(str(corpus))
    return encode_corpus(text, model.tokenizer)


def _environment() -> dict[str, str | int]:
    """What moves the last bits of a score besides the model and the text."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | int] = {"threads": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count()))}
    for name in ("lmcompare", "numpy", "torch"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


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


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        remedy = "Run `python -m pip install pandas`, or use to_dict()"
        raise InputError("a data frame needs pandas", remedy=remedy) from None
    return pandas

"""The signature of an experiment: all that moves a number of its report.

Knows what may be set; computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lmcompare.errors import InputError
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results import POLICIES
from lmcompare.evaluation.signature import Signature, always, computed_with, plugins, windows
from lmcompare.experiment.spec import Experiment
from lmcompare.experiment.worker import Job
from lmcompare.files import digest, read_json
from lmcompare.interface import Tokenizer
from lmcompare.text.corpus import Corpus

_OWN_PARTS = ("splits", "window", "stride", "resamples", "seed", "resample", "open_vocabulary")


def sign(
    experiment: Experiment, corpus: Corpus, tokenizers: Iterable[Tokenizer], jobs: Sequence[Job]
) -> Signature:
    """Corpus, event spaces, context, models, seeds, number formats, resampling, versions.

    A cell's key stands for its model: it depends on every option, on what is in the files that options name,
    on the seed, the text and the versions that it was trained with.
    """
    head = experiment.head
    options = head.evaluation
    spaces = dict.fromkeys(f"{each.kind}#{each.fingerprint[:12]}" for each in tokenizers)
    return Signature(
        {
            "corpus": f"{corpus.name}#{corpus.hash[:12]}",
            "split": "+".join(options.splits),
            "tokenizer": "+".join(spaces),
            **always(),
            "policy": "+".join(POLICIES),
            **windows(options.window, options.stride),
            "models": f"{len(experiment.models)}#{_models(jobs)}",
            "seeds": _seeds(experiment),
            "dtype": _dtype(jobs),
            "unit": options.resample,
            "resamples": str(options.resamples),
            "resampled": str(options.seed),
            "oov": "text" if options.open_vocabulary is None else str(options.open_vocabulary),
            "evaluation": f"#{_rest(options)}",
            "threads": str(head.threads),
            **computed_with(),
            **plugins(model.kind for model in experiment.models),
        }
    )


def _seeds(experiment: Experiment) -> str:
    """The seeds of all models, those of one model as a digest where it has its own."""
    common = experiment.head.seeds
    own = {model.name: list(model.seeds) for model in experiment.models if list(model.seeds) != common}
    return "+".join(map(str, common)) + (f"+own#{digest(own)[:12]}" if own else "")


def _models(jobs: Sequence[Job]) -> str:
    keys: Mapping[str, str] = {job.label: job.folder.key for job in jobs}
    return digest(keys)[:12]


def _dtype(jobs: Sequence[Job]) -> str:
    """Sums are float64; what neural models were trained in is told by the models themselves."""
    found = set()
    for job in jobs:
        try:
            config = read_json(job.folder.model / "model.json").get("config", {})
        except InputError:
            continue  # not trained yet, or of a kind that keeps no such file
        precision = config.get("facts", {}).get("precision") if isinstance(config, dict) else None
        found.add("" if precision is None else f"train-{precision}")
    return "+".join(["sum-float64", *sorted(filter(None, found))])


def _rest(options: EvaluationOptions) -> str:
    """All options of the evaluation that have no part of their own."""
    chosen = options.model_dump(mode="json")
    return digest({key: value for key, value in chosen.items() if key not in _OWN_PARTS})[:12]

"""Per-token scores of an experiment that has been run, joined as columns.

Trains nothing and scores nothing: it reads what the cells keep.
"""

from __future__ import annotations

from pathlib import Path

from lmcompare.errors import InputError
from lmcompare.evaluation.event_scores import EventScores
from lmcompare.evaluation.per_token import Columns, columns
from lmcompare.evaluation.results import SplitName
from lmcompare.experiment.run import evaluated_cells
from lmcompare.experiment.spec import read_experiment
from lmcompare.text.encoded import EncodedCorpus


def token_columns(path: Path, split: SplitName) -> tuple[Columns, list[str]]:
    """The columns of every model that predicts the first one's tokens, and the names of the others.

    Raises:
        InputError: the experiment has not been run to its end, or the split was not scored.
    """
    experiment = read_experiment(path)
    chosen: dict[str, EventScores] = {}
    left_out: list[str] = []
    text: EncodedCorpus | None = None
    for label, encoded, scores in evaluated_cells(experiment):
        if (split, "native") not in scores.logprobs:
            what = f"the split {split} was not scored"
            raise InputError(what, where=str(experiment.path), remedy="Add it to [evaluation] splits")
        text = text or encoded
        if encoded.tokenizer.fingerprint == text.tokenizer.fingerprint:
            chosen[label] = scores
        else:
            left_out.append(label)
    assert text is not None
    return columns(text, split, chosen), left_out

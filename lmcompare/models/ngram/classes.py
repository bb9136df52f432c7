"""A class-based n-gram model: p(w | h) = p(w | its class) p(its class | the classes of h).

The second factor is an n-gram model like any other, whose words are classes; knows nothing of how that is
smoothed, and leaves finding the classes to `exchange`.

Source: Brown et al., "Class-based n-gram models of natural language" (1992), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lmcompare import files, registry
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer
from lmcompare.models.nested_folder import load_members, save_with_members
from lmcompare.models.ngram.model import NgramModel
from lmcompare.registry import Progress, Training
from lmcompare.text.tokenizers.vocabulary import UNK
from lmcompare.text.tokenizers.word import WordTokenizer


class ClassOptions(BaseModel):
    """Word classes by the exchange algorithm, and an n-gram model over them.

    Attributes:
        classes: how many classes are found, at most; sentence ends and what was never seen have their own.
        order: length of the longest class n-grams.
        rounds: how often each word may move to another class.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: int = Field(500, ge=1, le=5000)
    order: int = Field(5, ge=1, le=8)
    rounds: int = Field(10, ge=0)


class ClassModel(LanguageModel):
    """A class n-gram behind the seam; forgets at `eos` as its n-gram model does.

    Args:
        tokenizer: the event space.
        classes: the class of each id as an id of the n-gram's tokenizer, `[size]`.
        inside: natural log p(id | its class), `[size]`; `-inf` for `bos`.
        ngram: the n-gram model over classes.
    """

    kind = "class"
    policy = "sentence"

    def __init__(
        self, tokenizer: Tokenizer, classes: NDArray[np.int32], inside: Floats, ngram: NgramModel
    ) -> None:
        if len(classes) != tokenizer.size or int(classes.max()) >= ngram.tokenizer.size:
            raise InputError("the classes are not those of this tokenizer and n-gram model")
        self.tokenizer, self.classes, self.inside, self.ngram = tokenizer, classes, inside, ngram
        self.context, self.order = ngram.context, ngram.order
        self.parameters = ngram.parameters + len(inside)

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        logprobs, state = self.ngram.start(batch)
        return self._spread(logprobs), state

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`."""
        logprobs, state = self.ngram.step(self.classes[tokens], state)
        return self._spread(logprobs), state

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`."""
        scores = self.ngram.score([self.classes[document] for document in documents])
        return [own + self.inside[document] for own, document in zip(scores, documents, strict=True)]

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        return self._spread(self.ngram.next_logprobs([self._classes_of(context) for context in contexts]))

    def matched_order(self, documents: Sequence[Ids]) -> list[NDArray[np.int8]]:
        """Length of the class n-gram whose probability each event was given, one array a document."""
        return self.ngram.matched_order([self._classes_of(document) for document in documents])

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`; the n-gram model over classes is kept inside as a model of its own."""
        arrays = {"classes": self.classes, "inside": self.inside}
        save_with_members(folder, self.kind, {}, arrays, self.tokenizer, [self.ngram])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        from lmcompare.text.tokenizers import from_json

        saved = files.load_model(folder, cls.kind)
        if missing := [name for name in ("classes", "inside") if name not in saved.arrays]:
            raise InputError(f"weights.safetensors lacks {', '.join(missing)}", where=str(folder))
        members = load_members(folder, saved.config)
        if len(members) != 1 or not isinstance(members[0], NgramModel):
            raise InputError("the n-gram model over classes is missing", where=str(folder))
        return cls(from_json(saved.tokenizer), saved.arrays["classes"], saved.arrays["inside"], members[0])

    def _classes_of(self, tokens: Ids) -> Ids:
        return cast(Ids, self.classes[np.asarray(tokens, dtype=np.int64)])

    def _spread(self, logprobs: Floats) -> Floats:
        """From log p of each class to log p of each id."""
        return cast(Floats, logprobs[:, self.classes] + self.inside)


def shares(counts: NDArray[np.int64], classes: NDArray[np.int32], bos: int) -> Floats:
    """Natural log p(id | class), `[size]`: relative frequencies; even among ids that were never seen."""
    weights = np.where(counts > 0, counts, 0).astype(np.float64)
    unseen = np.bincount(classes, weights) == 0
    weights[unseen[classes]] = 1.0
    weights[bos] = 0.0
    totals = np.bincount(classes, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weights > 0, np.log(weights / totals[classes]), -np.inf)


@dataclass(frozen=True)
class ClassFamily:
    """Finds classes, then trains an n-gram model on the text written in them."""

    name: str = "class"
    summary: str = "class-based n-grams: words grouped by the exchange algorithm"
    options: type[BaseModel] = ClassOptions

    def train(self, job: Training) -> ClassModel:
        """See `registry.Family.train`. Nothing is kept over a kill."""
        from lmcompare.models.ngram.exchange import find_classes

        options = ClassOptions.model_validate(job.options.model_dump())
        tokenizer = job.tokenizer
        found = find_classes(
            job.train,
            tokenizer.size,
            tokenizer.bos,
            tokenizer.eos,
            classes=options.classes,
            rounds=options.rounds,
            tell=lambda done, note: job.progress(Progress("finding classes", done, options.rounds, note)),
        )
        counts = np.zeros(tokenizer.size, dtype=np.int64)
        for document in job.train:
            counts += np.bincount(document, minlength=tokenizer.size)
        # A class without ids would keep its probability for nobody: what is left is numbered afresh.
        used = np.unique(found)
        classes = np.searchsorted(used, found).astype(np.int32)
        names = WordTokenizer([f"c{number}" for number in range(len(used) - UNK - 1)])
        family = registry.models.get("ngram")
        ngram = family.train(
            replace(
                job,
                options=family.options.model_validate({"order": options.order, "curve": False}),
                tokenizer=names,
                train=[classes[document] for document in job.train],
                valid=[classes[document] for document in job.valid],
            )
        )
        # The n-gram's learning curve counts classes as events; a model's curve counts its own.
        (job.folder / "curve.jsonl").unlink(missing_ok=True)
        return ClassModel(tokenizer, classes, shares(counts, classes, tokenizer.bos), cast(NgramModel, ngram))

    def load(self, folder: Path) -> ClassModel:
        """See `registry.Family.load`."""
        return ClassModel.load(folder)


CLASS = ClassFamily()

"""KenLM's own models, ARPA or binary, behind the seam, scored by the kenlm package.

Knows nothing of how KenLM stores n-grams, and nothing of `tables`: so it can referee our own n-grams. A
model that is read here is not trained; it comes with a vocabulary, and the tokenizer's ids are looked up in
it by their ARPA words (`spelling`). The probabilities of a quantised binary sum to one only roughly, so that
it breaks the first law: by 0.0016 with 8 bits. KenLM knows one word at a time, so a whole distribution takes
about 0.2 microseconds a word of the vocabulary; scoring text takes about 1 microsecond a token.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer, split_sentences
from lmcompare.models.ngram.arpa import list_words, ngram_counts
from lmcompare.models.ngram.kenlm_binary import binary_counts, binary_words, is_binary
from lmcompare.models.ngram.spelling import names, vocabulary
from lmcompare.models.ngram.tables import check_ids
from lmcompare.registry import Progress, Training

_FILE = "model.kenlm"
_LN10 = math.log(10)
_MASS = (0.99, 1.01)


class KenlmOptions(BaseModel):
    """A model that was made elsewhere.

    Attributes:
        path: ARPA file (plain or packed) or KenLM binary; relative to the folder one is in.
        vocabulary: file with the model's words, one a line, to use as the event space. Without it the
            experiment's tokenizer is the event space.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    vocabulary: Path | None = None

    def named_files(self) -> list[Path]:
        """See `registry.named_files`."""
        return [file for file in (self.path, self.vocabulary) if file is not None]


@dataclass(frozen=True)
class KenlmStates:
    """KenLM's state of each row. Its states are never changed here, so rows may share one."""

    states: list[Any]

    def rows(self, index: Ids) -> KenlmStates:
        """See `State.rows`."""
        return KenlmStates([self.states[row] for row in index])


class KenlmModel(LanguageModel):
    """A KenLM model over a tokenizer's ids; forgets at `eos`.

    Ids whose words the model does not have share its probability of `<unk>` evenly.

    Args:
        path: ARPA file or KenLM binary.
        tokenizer: the event space.

    Errors: `InputError` where the kenlm package is missing or cannot read the file.
    """

    kind = "kenlm"
    policy = "sentence"

    def __init__(self, path: Path, tokenizer: Tokenizer) -> None:
        self.path, self.tokenizer = path, tokenizer
        self._kenlm = _package()
        self.model = _open(self._kenlm, path)
        self.context = int(self.model.order) - 1
        counts = binary_counts(path) if is_binary(path) else ngram_counts(path)
        self.parameters = sum(counts) + sum(counts[:-1])
        self._names = names(tokenizer)
        known = np.fromiter((name in self.model for name in self._names), bool, tokenizer.size)
        unknown = ~known
        unknown[[tokenizer.bos, tokenizer.eos]] = False
        self._corrections = np.where(unknown, -math.log(max(int(unknown.sum()), 1)), 0.0)

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        states = [self._opening()] * batch
        return self._distributions(states[:1]).repeat(batch, axis=0), KenlmStates(states)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`; a row that reads `eos` starts its next sentence."""
        before = cast(KenlmStates, state).states
        check_ids(np.asarray(tokens), self.tokenizer.size)
        states = [
            self._after(token, old) for token, old in zip(np.asarray(tokens).tolist(), before, strict=True)
        ]
        return self._distributions(states), KenlmStates(states)

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`."""
        for document in documents:
            check_ids(document, self.tokenizer.size)
        return [self._score(np.asarray(document, dtype=np.int64))[0] for document in documents]

    def matched_order(self, documents: Sequence[Ids]) -> list[NDArray[np.int8]]:
        """Length of the n-gram whose probability each event was given, one array a document."""
        for document in documents:
            check_ids(document, self.tokenizer.size)
        return [self._score(np.asarray(document, dtype=np.int64))[1] for document in documents]

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        states = []
        for context in contexts:
            check_ids(context, self.tokenizer.size)
            sentences = split_sentences(np.asarray(context), self.tokenizer.eos)
            state = self._opening()
            for token in sentences[-1].tolist() if sentences else ():
                state = self._after(token, state)
            states.append(state)
        return self._distributions(states)

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`; the folder gets a copy of the file."""
        stored = {"file": self.path.name}
        files.save_model(folder, self.kind, stored, {}, self.tokenizer.to_json(), {_FILE: self.path})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        from lmcompare.text.tokenizers import from_json

        saved = files.load_model(folder, cls.kind)
        return cls(folder / _FILE, from_json(saved.tokenizer))

    def _opening(self) -> Any:
        state = self._kenlm.State()
        self.model.BeginSentenceWrite(state)
        return state

    def _after(self, token: int, state: Any) -> Any:
        if token == self.tokenizer.eos:
            return self._opening()
        following = self._kenlm.State()
        self.model.BaseScore(state, self._names[token], following)
        return following

    def _distributions(self, states: Sequence[Any]) -> Floats:
        out = np.empty((len(states), self.tokenizer.size), dtype=np.float64)
        unused = self._kenlm.State()
        again = itertools.repeat
        for row, state in enumerate(states):
            logprobs = map(self.model.BaseScore, again(state), self._names, again(unused))
            out[row] = np.fromiter(logprobs, np.float64, self.tokenizer.size)
        out = out * _LN10 + self._corrections
        out[:, self.tokenizer.bos] = -np.inf
        return out

    def _score(self, document: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int8]]:
        # The package scores one sentence a call and hands back one token after the other: there is no
        # faster way into it.
        scores = np.empty(len(document), dtype=np.float64)
        orders = np.empty(len(document), dtype=np.int8)
        start = 0
        for sentence in split_sentences(document, self.tokenizer.eos):
            closed = bool(sentence[-1] == self.tokenizer.eos)
            text = " ".join([self._names[token] for token in sentence[: len(sentence) - closed].tolist()])
            found = list(self.model.full_scores(text, bos=True, eos=closed))
            scores[start : start + len(sentence)] = [score for score, _, _ in found]
            orders[start : start + len(sentence)] = [order for _, order, _ in found]
            start += len(sentence)
        scores = scores * _LN10 + self._corrections[document]
        scores[document == self.tokenizer.bos] = -np.inf
        return scores, orders


def open_kenlm(path: Path, vocabulary_file: Path | None = None) -> KenlmModel:
    """A KenLM model over its own words: those the file lists, or those of a file with one word a line.

    Errors: `InputError` for a binary that was built without its words, where no vocabulary file is given.
    """
    from lmcompare.text.tokenizers.word import WordTokenizer

    if vocabulary_file is not None:
        try:
            listed = vocabulary_file.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the vocabulary cannot be read: {error}", where=str(vocabulary_file)) from None
        special = {"<s>", "</s>", "<unk>"}
        words = [word for word in dict.fromkeys(listed) if word not in special]
    else:
        words = binary_words(path) if is_binary(path) else list_words(path)
    return KenlmModel(path, WordTokenizer(vocabulary(words)))


@dataclass(frozen=True)
class KenlmFamily:
    """Reads what KenLM trained."""

    name: str = "kenlm"
    summary: str = "an ARPA file or KenLM binary, scored by the kenlm package"
    options: type[BaseModel] = KenlmOptions

    def train(self, job: Training) -> KenlmModel:
        """The model at `job.options.path`; nothing is trained.

        Errors: `InputError` where the event space leaves out much of what the model predicts, or where the
        file's numbers are no probabilities: there would be no fair comparison.
        """
        options = KenlmOptions.model_validate(job.options.model_dump())
        job.progress(Progress("reading", 0.0, 1.0))
        if options.vocabulary is not None:
            model = open_kenlm(options.path, options.vocabulary)
        else:
            model = KenlmModel(options.path, job.tokenizer)
        mass = float(np.exp(model.start(1)[0]).sum())
        if mass > _MASS[1]:
            raise InputError(
                f"the probabilities of a sentence's first word sum to {mass:.4g}, not 1",
                where=str(options.path),
                remedy="Use a model that was not quantised, or estimate it with another tool",
            )
        if mass < _MASS[0]:
            raise InputError(
                f"the tokenizer's ids hold only {mass:.1%} of what the model predicts: its words are others",
                where=str(options.path),
                remedy="Use a word tokenizer without min_count and max_size, on the text it was trained on",
            )
        job.progress(Progress("reading", 1.0, 1.0))
        return model

    def load(self, folder: Path) -> KenlmModel:
        """See `registry.Family.load`."""
        return KenlmModel.load(folder)


KENLM = KenlmFamily()


def _package() -> Any:
    try:
        import kenlm
    except ImportError:
        raise InputError(
            "the kenlm package is not installed",
            remedy="Run: python -m pip install kenlm (it needs a C++ compiler)",
        ) from None
    return kenlm


def _open(kenlm: Any, path: Path) -> Any:
    if not path.is_file():
        raise InputError("there is no such file", where=str(path))
    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        return kenlm.Model(str(path), config)
    except UnicodeDecodeError:
        raise InputError("KenLM cannot read the file: it is not UTF-8 text", where=str(path)) from None
    except (OSError, RuntimeError) as error:
        raise InputError(f"KenLM cannot read the file: {_reason(str(error))}", where=str(path)) from None


def _reason(message: str) -> str:
    """The first sentence of what KenLM says, without the places in its source and the file's name."""
    said = " ".join(message.split())
    said = (said.partition("' (")[2] or said).removesuffix(")").rpartition(" threw ")[2]
    said = re.sub(r"^\w*Exception(?: because `.*?'\.|\.)? ", "", said)
    return re.sub(r" Byte: \d+$", "", re.split(r"\. (?=[A-Z])", said)[0])

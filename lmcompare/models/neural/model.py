"""A network behind the seam: exact scores of documents, next tokens, saving and loading.

Knows nothing of training, and not how a network reads: a family says in `_hidden` which hidden
vectors belong to which events, and in `first_hidden` and `next_hidden` how reading goes on. No torch type
leaves this package.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from lmcompare.errors import InputError
from lmcompare.files import load_model, save_model
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer
from lmcompare.models.inside import TrainingSpeed, WrittenSample
from lmcompare.models.neural import device
from lmcompare.models.neural.chunks import cut_out
from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.history import histories
from lmcompare.models.neural.looking import nearest
from lmcompare.models.neural.network import Network
from lmcompare.models.neural.options import NetworkOptions
from lmcompare.models.neural.placement import array_of, is_processor, placed
from lmcompare.models.neural.quantised import FEW
from lmcompare.text.tokenizers import from_json

TOKENS_AT_ONCE, GPU_TOKENS_AT_ONCE = 8192, 65536
"""Places whose hidden vectors are computed together when scoring: on the processor, and on a GPU."""
MEASURED_SPEEDS = ("tokens_per_second", "product_flops_per_second", "utilisation")
"""What stands among the facts as text, see `utilisation.training_speed`."""
MANY_STEPS = 500
"""Steps of a few rows from which on compiled loops pay for being loaded, which takes about half a second."""

OfNetwork = TypeVar("OfNetwork", bound=Network)
Options = TypeVar("Options", bound=NetworkOptions)


@dataclass(frozen=True, slots=True)
class Block:
    """Hidden vectors of some places of some rows.

    Attributes:
        rows: which rows, `[b]`.
        begin: the place in its row where each row's first column stands, `[b]`.
        skip: columns at the left that are no events of this block, `[b]`.
        stop: column after the last event, `[b]`.
        hidden: `[b, columns, width]` (or what `OutputMixture` makes of them).
    """

    rows: Ids
    begin: Ids
    skip: Ids
    stop: Ids
    hidden: Tensor


class NeuralModel(LanguageModel, Generic[OfNetwork, Options]):
    """A language model that is a torch network; native policy `document`.

    Attributes:
        compiles: whether `prepare_writing` may put the weights where compiled loops want them; not while
            the model is trained.
    """

    policy = "document"
    options_class: ClassVar[type[NetworkOptions]]

    def __init__(
        self, network: OfNetwork, tokenizer: Tokenizer, options: Options, facts: dict[str, Any]
    ) -> None:
        self.network = network.eval()
        self.tokenizer = tokenizer
        self.options = options
        self.facts = facts
        self.context = None
        self.compiles = False
        self.parameters = sum(parameter.numel() for parameter in network.parameters())

    @classmethod
    @abstractmethod
    def build(cls, options: Any, size: int, bos: int) -> Network:
        """A new network, drawn from torch's global generator."""

    @abstractmethod
    def _hidden(self, inputs: list[Ids], last: bool) -> Iterator[Block]:
        """Hidden vectors after every input of every row (`last`: at least after each row's last)."""

    @abstractmethod
    def first_hidden(self, batch: int) -> tuple[Tensor, State]:
        """As `start`, the hidden vectors in the place of what they predict, `[batch, width]`."""

    @abstractmethod
    def next_hidden(self, tokens: Ids, state: State) -> tuple[Tensor, State]:
        """As `step`, the hidden vectors in the place of what they predict; the tokens were checked."""

    @abstractmethod
    def context_lengths(self, length: int) -> Ids:
        """How many tokens of the document each event of a document of `length` events can see, `[length]`."""

    @abstractmethod
    def read(self, contexts: Sequence[Ids]) -> tuple[Floats, State]:
        """Rows that have read contexts of any lengths: what `start` and many a `step` give, at once.

        Args:
            contexts: what each row reads after `bos`; may be empty.

        Returns:
            log p(next token | context), `[len(contexts), size]`, and the state to go on with.
        """

    @torch.inference_mode()
    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        hidden, state = self.first_hidden(batch)
        return self._logprobs(hidden), state

    @torch.inference_mode()
    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`."""
        tokens = np.asarray(tokens)
        self._check(tokens)
        hidden, state = self.next_hidden(tokens, state)
        return self._logprobs(hidden), state

    @torch.inference_mode()
    def start_with_vectors(self, batch: int) -> tuple[Floats, Floats, State]:
        """As `start`, with the vectors that predict in the middle, `[batch, width]`, float32."""
        hidden, state = self.first_hidden(batch)
        return self._logprobs(hidden), self._comparable(hidden), state

    @torch.inference_mode()
    def step_with_vectors(self, tokens: Ids, state: State) -> tuple[Floats, Floats, State]:
        """As `step`, with the vectors that predict in the middle, `[batch, width]`, float32."""
        tokens = np.asarray(tokens)
        self._check(tokens)
        hidden, state = self.next_hidden(tokens, state)
        return self._logprobs(hidden), self._comparable(hidden), state

    def prepare_writing(self, rows: int, steps: int) -> None:
        """See `Writes`: compiled loops for many steps of a few rows, where the model `compiles`."""
        able = self.compiles and is_processor(self.device) and not self.embedding.compiled
        if able and rows <= FEW and steps >= MANY_STEPS:
            self.network.compile_steps()

    def flops(self, context: float) -> float:
        """Floating-point operations to read one token and predict the next, an estimate.

        Two for each weight of a matrix inside the network and of the output table (Kaplan et al. 2020,
        section 2.1), which is read once for each of mixed softmaxes; what attention adds, `TransformerModel`
        says. `context` is not looked at here.
        """
        weights = sum(
            parameter.numel()
            for name, parameter in self.network.named_parameters()
            if parameter.dim() == 2 and not name.startswith("embedding.")
        )
        return 2.0 * (weights + self.embedding.parts * self.embedding.width * self.tokenizer.size)

    def training_flops(self) -> float:
        """Operations of a training step by token of it: to read and predict, and twice as many for gradients.

        Where the softmax is sampled, only its columns are counted (their expected number, and the target).
        """
        options, size = self.options, self.tokenizer.size
        columns = min(size, options.sampled_softmax + 1) if options.sampled_softmax else size
        left_out = 2.0 * self.embedding.parts * self.embedding.width * (size - columns)
        seen = (options.length - 1) / 2 + getattr(options, "memory", 0)
        return 3.0 * (self.flops(seen) - left_out)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.embedding.mask.device

    @property
    def tokens_at_once(self) -> int:
        """Places whose hidden vectors are computed together when scoring."""
        return TOKENS_AT_ONCE if is_processor(self.device) else GPU_TOKENS_AT_ONCE

    @property
    def embedding(self) -> Embedding:
        """The tables between ids and vectors."""
        embedding = self.network.embedding
        assert isinstance(embedding, Embedding)
        return embedding

    def neighbours(self, token: int, k: int) -> list[tuple[int, float]]:
        """See `models.inside.HasNeighbours`."""
        self._check(np.array([token]))
        return nearest(self.embedding, token, k)

    def training_speed(self) -> TrainingSpeed | None:
        """See `models.inside.HasTrainingSpeed`."""
        found = self.facts.get("training_speed")
        if found is None:
            return None
        measured = {key: float(found[key]) for key in MEASURED_SPEEDS if key in found}
        return TrainingSpeed(
            tokens_per_second=measured["tokens_per_second"],
            flops_per_token=found["flops_per_token"],
            utilisation=measured.get("utilisation"),
            product_flops_per_second=measured.get("product_flops_per_second"),
            product_side=found.get("product_side"),
            precision=self.facts["precision"],
            device=self.facts.get("device", ""),
            threads=self.facts["threads"],
        )

    def training_samples(self) -> list[WrittenSample]:
        """See `models.inside.HasSamples`."""
        return [WrittenSample(**each) for each in self.facts.get("samples", [])]

    def vectors(self, tokens: Ids, before: Ids | None = None) -> Tensor:
        """Input vectors of ids `[batch, time]`; `before` stands left of them (`None`: nothing does)."""
        ids = placed(np.asarray(tokens, dtype=np.int64), self.device)
        if self.network.lookback > 1:
            left = None if before is None else placed(np.asarray(before, dtype=np.int64), self.device)
            ids = histories(ids, left, self.network.lookback, self.tokenizer.bos)
        found: Tensor = self.embedding(ids)
        return found

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`. Memory is bounded whatever the lengths and the vocabulary."""
        return self._scored(documents, None)

    def score_with_vectors(self, documents: Sequence[Ids]) -> tuple[list[Floats], list[Floats]]:
        """As `score`, and the vector that predicts each event, `[n, width]` float32, one array a document."""
        lengths = [len(document) for document in documents]
        vectors = np.empty((sum(lengths), self.embedding.parts * self.embedding.width), dtype=np.float32)
        scores = self._scored(documents, vectors)
        return scores, np.split(vectors, np.cumsum(lengths)[:-1]) if lengths else []

    def vectors_after(self, contexts: Sequence[Ids]) -> list[Floats]:
        """The vectors after `bos` and after each token of each context, `[len(context) + 1, width]`."""
        inputs = self._checked_inputs(contexts)
        lengths = np.array([len(row) for row in inputs], dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        vectors = np.empty((int(offsets[-1]), self.embedding.parts * self.embedding.width), dtype=np.float32)
        with torch.inference_mode():
            for block in self._hidden(inputs, last=False):
                places, hidden = _select(block, offsets)
                vectors[places] = self._comparable(hidden)
        return np.split(vectors, offsets[1:-1]) if len(inputs) else []

    def _scored(self, documents: Sequence[Ids], vectors: Floats | None) -> list[Floats]:
        """Scores of all events; the vectors that predict them are written to `vectors`, `[events, width]`."""
        lengths = np.array([len(document) for document in documents], dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        flat = np.concatenate([np.zeros(0, dtype=np.int64), *documents]).astype(np.int64)
        self._check(flat)
        scores = np.empty(len(flat))
        inputs = [self._inputs(document[:-1]) if len(document) else document for document in documents]
        with explain_full_gpu(), torch.inference_mode():
            for block in self._hidden(inputs, last=False):
                events, hidden = _select(block, offsets)
                targets = placed(flat[events], self.device)
                if vectors is not None:
                    vectors[events] = self._comparable(hidden)
                scores[events] = array_of(self.embedding.target_logprobs(hidden, targets))
        scores[flat == self.tokenizer.bos] = -np.inf
        return np.split(scores, offsets[1:-1]) if len(documents) else []

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        inputs = self._checked_inputs(contexts)
        out = np.empty((len(contexts), self.tokenizer.size))
        final = np.array([len(row) - 1 for row in inputs], dtype=np.int64)
        with torch.inference_mode():
            for block in self._hidden(inputs, last=True):
                column = final[block.rows] - block.begin
                here = np.flatnonzero((column >= block.skip) & (column < block.stop))
                if len(here):
                    last = placed(here, self.device), placed(column[here], self.device)
                    hidden = block.hidden[last]
                    out[block.rows[here]] = self._logprobs(hidden)
        return out

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`."""
        if self.facts.get("int8"):
            remedy = "Save the model it was made of"
            raise InputError("a model with 8-bit weights is not saved", where=str(folder), remedy=remedy)
        config = {"options": self.options.model_dump(), "facts": self.facts}
        arrays = {name: array_of(tensor) for name, tensor in self.network.state_dict().items()}
        save_model(folder, self.kind, config, arrays, self.tokenizer.to_json())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        stored = load_model(folder, cls.kind)
        tokenizer = from_json(stored.tokenizer)
        try:
            options = cls.options_class.model_validate(stored.config["options"])
        except (KeyError, ValueError) as error:
            what = "model.json does not describe a model that this version can build"
            raise InputError(what, where=str(folder), remedy="Train the model again") from error
        network = cls.build(options, tokenizer.size, tokenizer.bos)
        fill(network.state_dict(), stored.arrays, where=str(folder))
        network.to(device.here())
        return cls(network, tokenizer, options, stored.config.get("facts", {}))  # type: ignore[arg-type]

    def _logprobs(self, hidden: Tensor) -> Floats:
        return array_of(self.embedding.logprobs(hidden).double())

    def _comparable(self, hidden: Tensor) -> Floats:
        """What of hidden vectors tells which contexts are alike; the weights of mixed softmaxes do not."""
        width = self.embedding.parts * self.embedding.width
        return array_of(hidden[..., :width].float())

    def _inputs(self, tokens: Ids) -> Ids:
        return np.concatenate([[self.tokenizer.bos], np.asarray(tokens)]).astype(np.int64)

    def _checked_inputs(self, contexts: Sequence[Ids]) -> list[Ids]:
        self._check(np.concatenate([np.zeros(0, dtype=np.int64), *contexts]))
        return [self._inputs(context) for context in contexts]

    def _recent(self, inputs: Sequence[Ids], number: int) -> Ids:
        """The last `number` tokens of each row, `bos` where there are fewer."""
        ends = np.array([len(row) for row in inputs], dtype=np.int64)
        return cut_out(inputs, ends - number, number, self.tokenizer.bos)

    def _check(self, ids: Ids) -> None:
        size = self.tokenizer.size
        if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < size:
            what = f"there are token ids from {ids.min()} to {ids.max()}, the model has 0 to {size - 1}"
            raise InputError(what, remedy="Encode the text with the model's own tokenizer")


@contextlib.contextmanager
def explain_full_gpu() -> Iterator[None]:
    """Turn a failed allocation on a GPU into a sentence."""
    try:
        yield
    except torch.OutOfMemoryError:
        what, remedy = "the memory of the GPU ran out while a text was scored", "Score with device = cpu"
        raise InputError(what, remedy=f"{remedy}, or stop what else is on the GPU") from None


def fill(target: dict[str, Tensor], arrays: dict[str, np.ndarray], *, where: str) -> None:
    """Copy arrays into tensors of the same names and shapes; `InputError` names the first misfit."""
    remedy = "Train or copy the model again"
    for name, tensor in target.items():
        if name not in arrays:
            raise InputError(f"the tensor {name} is missing", where=where, remedy=remedy)
        if tuple(tensor.shape) != arrays[name].shape:
            what = f"the tensor {name} has shape {arrays[name].shape}, not {tuple(tensor.shape)}"
            raise InputError(what, where=where, remedy=remedy)
    with torch.no_grad():
        for name, tensor in target.items():
            tensor.copy_(torch.from_numpy(arrays[name]))


def _select(block: Block, offsets: Ids) -> tuple[Ids, Tensor]:
    """The events of a block as places in the flat text, `[n]`, and their hidden vectors, `[n, width]`."""
    columns = np.arange(block.hidden.shape[1])
    mine = (columns >= block.skip[:, None]) & (columns < block.stop[:, None])
    places = (offsets[block.rows] + block.begin)[:, None] + columns
    return places[mine], block.hidden[placed(mine, block.hidden.device)]

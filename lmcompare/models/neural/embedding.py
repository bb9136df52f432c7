"""The tables at a network's two ends: ids to vectors, and vectors to log-probabilities of ids.

Knows nothing of what stands between the two (recurrent layers, attention). The row of `bos` is
read but never predicted: its logit is -inf before the softmax, in training and in scoring.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmcompare.models.neural.ngram_embedding import NgramEmbedding, UsedRows
from lmcompare.models.neural.options import NetworkOptions
from lmcompare.models.neural.options.training import NgramEmbeddingOptions
from lmcompare.models.neural.output_mixture import apart
from lmcompare.models.neural.placement import is_processor
from lmcompare.models.neural.quantised import FEW, Int8Matrix, few_rows
from lmcompare.models.neural.softmax import softmax_loss
from lmcompare.models.neural.target_scores import target_scores

CHUNK, GPU_CHUNK = 1 << 22, 1 << 27
"""Logits that are held at once when scoring: 16 MiB of float32 on the processor, 512 on a GPU, whatever the
vocabulary."""


class Rows(NamedTuple):
    """The parts of the tables that one training step uses, as leaves that gather gradients.

    Attributes:
        ids: which rows, increasing, `[n]`; `None`: the whole table, and its own parameters gather gradients.
        weight: vectors that are read, `[n, width]`.
        output: vectors that predict, `[n, width]`; the same tensor where the tables are tied.
        bias: output biases, `[n]`.
        ngrams: rows of the n-grams' tables, by the table's name.
    """

    ids: Tensor | None
    weight: Tensor
    output: Tensor
    bias: Tensor
    ngrams: dict[str, UsedRows]

    def local(self, tokens: Tensor) -> Tensor:
        """Places of tokens among the rows, of the same shape."""
        return tokens if self.ids is None else torch.searchsorted(self.ids, tokens.contiguous())

    def of(self, streams: slice) -> Rows:
        """The same rows for some of the streams that `take` was given; places of n-grams are one a stream."""
        if not self.ngrams:
            return self
        return self._replace(
            ngrams={name: used._replace(places=used.places[streams]) for name, used in self.ngrams.items()}
        )

    def leaves(self) -> list[tuple[str, Tensor, Tensor]]:
        """Name of the parameter, ids of the rows and the leaf of all that is not a whole parameter."""
        found = [(f"embedding.ngrams.tables.{n}", used.ids, used.vectors) for n, used in self.ngrams.items()]
        if self.ids is not None:
            found += [("embedding.weight", self.ids, self.weight), ("embedding.bias", self.ids, self.bias)]
            if self.output is not self.weight:
                found.append(("embedding.output", self.ids, self.output))
        return found


class Embedding(nn.Module):
    """One vector and one output bias an id; where tied (the default), one vector for both ends.

    Tied: Press and Wolf 2017; Inan et al. 2017. Inputs are multiplied by the square root of the width
    (Vaswani et al. 2017, section 3.4) unless `scaled` is off, so that the small values that suit the softmax
    also enter the network at unit scale.

    Attributes:
        parts: softmaxes that are mixed; with more than one, a hidden vector is what `OutputMixture` makes.
        lookback: tokens of history that the vector of a place is made of; 1 is the token alone.
        compiled: whether a compiled loop makes the logits of a few rows, where no gradient is asked for.
    """

    mask: Tensor

    def __init__(
        self,
        size: int,
        width: int,
        bos: int,
        options: NetworkOptions,
        scaled: bool = True,
    ) -> None:
        super().__init__()
        tied, parts, dropout = options.tied, options.softmaxes, options.embedding_dropout
        self.size, self.width, self.bos, self.parts, self.dropout = size, width, bos, parts, dropout
        self.scale = width**0.5 if scaled else 1.0
        self.weight = nn.Parameter(torch.randn(size, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(size))
        self.output = None if tied else nn.Parameter(torch.randn(size, width) * width**-0.5)
        self.ngrams: NgramEmbedding | None = None
        if isinstance(options, NgramEmbeddingOptions) and options.ngram_embeddings:
            settings = options.ngram_rows, width, options.ngram_dropout
            self.ngrams = NgramEmbedding(options.ngram_embeddings, *settings)
        self.lookback = 1 if self.ngrams is None else self.ngrams.lookback
        self.compiled = False
        self.int8_weight: Int8Matrix | None = None
        self.int8_output: Int8Matrix | None = None
        mask = torch.zeros(size)
        mask[bos] = -torch.inf
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, tokens: Tensor, rows: Rows | None = None) -> Tensor:
        """Vectors of ids, `[...]` to `[..., width]`; with n-grams, of histories `[..., lookback]`."""
        newest = tokens if self.ngrams is None else tokens[..., -1]
        if self.int8_weight is not None:
            vectors = self.int8_weight.rows(newest)
        elif rows is None:
            vectors = F.embedding(newest, self.weight)
        else:
            vectors = F.embedding(rows.local(newest), rows.weight)
        if self.ngrams is not None:
            vectors = vectors + self.ngrams(tokens, rows.ngrams if rows is not None else None)
        if self.training and self.dropout:
            keep = torch.rand(self.size, device=vectors.device) >= self.dropout
            vectors = vectors * (keep[newest, None].to(vectors.dtype) / (1 - self.dropout))
        scaled: Tensor = vectors * self.scale
        return scaled

    @property
    def predicting(self) -> Tensor:
        """The vectors that predict, `[size, width]`."""
        return self.weight if self.output is None else self.output

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of all ids of one softmax, `[..., width]` to `[..., size]`; that of `bos` is -inf."""
        int8 = self.int8_weight if self.int8_output is None else self.int8_output
        if int8 is not None:
            rounded: Tensor = int8(hidden) + (self.bias + self.mask)
            return rounded
        if self.compiled and hidden.numel() <= FEW * self.width and not torch.is_grad_enabled():
            return few_rows(hidden, self.predicting) + (self.bias + self.mask)
        logits: Tensor = F.linear(hidden, self.predicting, self.bias + self.mask)
        return logits

    def logprobs(self, hidden: Tensor) -> Tensor:
        """Natural log p of all ids, `[..., size]`."""
        if self.parts == 1:
            return torch.log_softmax(self.logits(hidden).float(), dim=-1)
        vectors, prior = apart(hidden, self.parts)
        of_parts = torch.log_softmax(self.logits(vectors).float(), dim=-1)
        return torch.logsumexp(of_parts + prior[..., None], dim=-2)

    def target_logprobs(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Natural log p of one id each, `[n]` float64, exact; logits are made a few rows at a time."""
        on_processor = is_processor(hidden.device)
        if self.parts == 1 and self.int8_weight is None and len(targets) > FEW and on_processor:
            return target_scores(hidden, self.predicting, self.bias + self.mask, targets)
        rows = max(1, (CHUNK if on_processor else GPU_CHUNK) // (self.size * self.parts))
        found = []
        for begin in range(0, len(targets), rows):
            few, target = hidden[begin : begin + rows], targets[begin : begin + rows]
            if self.parts == 1:
                logits = self.logits(few)
                chosen = logits.gather(1, target[:, None])[:, 0]
                # The difference in float64: a target far below the maximum keeps its digits.
                found.append(chosen.double() - logits.logsumexp(dim=1).double())
            else:
                vectors, prior = apart(few, self.parts)
                logits = self.logits(vectors)
                chosen = logits.gather(2, target[:, None, None].expand(-1, self.parts, 1))[:, :, 0]
                of_parts = chosen.double() - logits.logsumexp(dim=2).double()
                found.append(torch.logsumexp(of_parts + prior.double(), dim=1))
        return torch.cat(found) if found else torch.zeros(0, dtype=torch.float64)

    def round(self) -> None:
        """Keep the tables as 8-bit integers from now on; for reading and predicting, not for training."""
        self.int8_weight = Int8Matrix(self.weight)
        self.int8_output = None if self.output is None else Int8Matrix(self.output)
        # The float tables are given back; the modules' names stay.
        nothing = torch.zeros(0, self.width)
        self.weight = nn.Parameter(nothing, requires_grad=False)
        self.output = None if self.output is None else nn.Parameter(nothing.clone(), requires_grad=False)

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Mean surprisal of the events `[n]` in nats; a target `bos` is no event and is left out."""
        events = targets != self.bos
        vectors, prior, targets = spread(hidden[events], targets[events], self.parts)
        return softmax_loss(vectors, self.predicting, self.bias + self.mask, targets, prior=prior)

    def take(self, tokens: Tensor, ids: Tensor | None) -> Rows:
        """Leaves for the rows that a step uses: gradients of the size of the rows, not of the tables.

        Args:
            tokens: what is read, as `forward` takes it.
            ids: rows of the table that are read or predict in this step, increasing; `None`: all of them.
        """
        ngrams = {} if self.ngrams is None else self.ngrams.take(tokens)
        if ids is None:
            return Rows(None, self.weight, self.predicting, self.bias, ngrams)
        weight = self.weight.detach()[ids].requires_grad_()
        output = weight if self.output is None else self.output.detach()[ids].requires_grad_()
        return Rows(ids, weight, output, self.bias.detach()[ids].requires_grad_(), ngrams)


def spread(hidden: Tensor, targets: Tensor, parts: int) -> tuple[Tensor, Tensor | None, Tensor]:
    """Events as rows of single softmaxes: vectors `[n * parts, width]`, log weights, targets."""
    if parts == 1:
        return hidden, None, targets
    vectors, prior = apart(hidden, parts)
    return vectors.flatten(0, 1), prior, targets.repeat_interleave(parts)

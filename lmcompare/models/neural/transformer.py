"""The transformer language model, in the order in which the data passes: vectors, blocks, norm.

Knows nothing of documents, sliding windows or training. Vaswani et al. (2017), decoder only, with
what became usual since: norms before each part (Xiong et al. 2020), no biases, rotary positions (Su
et al. 2021) and GELU (Hendrycks and Gimpel 2016). Normalised queries and keys, and gates in the
feed-forward part, cost a third of a step on a laptop's processor and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmcompare.models.neural.dropout import locked_dropout
from lmcompare.models.neural.embedding import TiedEmbedding


@dataclass
class Cache:
    """Keys and values of what has been read: one tensor `[batch, heads, room, head]` a layer each.

    Attributes:
        keys, values: preallocated for a whole window; the first `length` places are filled.
        length: tokens read so far; all rows have read equally many.
    """

    keys: list[Tensor]
    values: list[Tensor]
    length: int


class Attention(nn.Module):
    """Each place looks back at what stands before it and takes a weighted mean of what it finds.

    Written out (Vaswani et al. 2017, equation 1): on a laptop's processor, at windows of some hundred
    tokens, this trains several times faster than the fused kernel and is what a reader wants to see.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, turn: Tensor, hide: Tensor, cache: Cache | None, layer: int) -> Tensor:
        """`[batch, time, width]` to the same shape.

        Args:
            x: what stands at the places that are read now.
            turn: rotary angles of these places.
            hide: 0 where a place (row) may look at a place (column), -inf where it may not.
            cache: places read before; these are added.
            layer: which of the cache's layers.
        """
        batch, time, width = x.shape
        parts = self.qkv(x).view(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4).contiguous()
        q, k = rotate(parts[:2], turn)
        v = parts[2]
        if cache is not None:
            end = cache.length + time
            cache.keys[layer][:, :, cache.length : end] = k
            cache.values[layer][:, :, cache.length : end] = v
            k, v = cache.keys[layer][:, :, :end], cache.values[layer][:, :, :end]
        similarity = q @ k.transpose(2, 3) * q.shape[-1] ** -0.5 + hide
        found = similarity.softmax(dim=-1) @ v
        return self.out(found.transpose(1, 2).reshape(batch, time, width))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """What each place does with what it has gathered: four times as wide in the middle."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """`[..., width]` to the same shape."""
        return self.down(F.gelu(self.up(x)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Gather, then think; each part adds to the residual stream what it found."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.attention = Attention(width, heads)
        self.feed_forward_norm = nn.LayerNorm(width, bias=False)
        self.feed_forward = FeedForward(width)

    def forward(self, x: Tensor, turn: Tensor, hide: Tensor, cache: Cache | None, layer: int) -> Tensor:
        """`[batch, time, width]` to the same shape."""
        gathered = self.attention(self.attention_norm(x), turn, hide, cache, layer)
        x = x + locked_dropout(gathered, self.dropout, self.training)
        thought = self.feed_forward(self.feed_forward_norm(x))
        return x + locked_dropout(thought, self.dropout, self.training)


class TransformerNetwork(nn.Module):
    """Embedding, `layers` blocks, a norm, and the same embedding as output layer."""

    def __init__(
        self, size: int, bos: int, width: int, layers: int, heads: int, window: int, dropout: float
    ) -> None:
        super().__init__()
        self.width, self.heads, self.window, self.dropout = width, heads, window, dropout
        self.embedding = TiedEmbedding(size, width, bos)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        self.register_buffer("angles", rotary_angles(window, width // heads), persistent=False)
        for name, parameter in self.blocks.named_parameters():
            if parameter.ndim == 2:
                # What writes to the residual stream starts smaller, so that depth does not swell it.
                shrink = (2 * layers) ** -0.5 if name.endswith(("out.weight", "down.weight")) else 1.0
                nn.init.normal_(parameter, std=shrink * parameter.shape[1] ** -0.5)

    angles: Tensor

    def empty(self, batch: int) -> Cache:
        """The cache of rows that have read nothing."""
        shape = (batch, self.heads, self.window, self.width // self.heads)
        layers = range(len(self.blocks))
        new = self.embedding.weight.new_empty
        return Cache([new(shape) for _ in layers], [new(shape) for _ in layers], 0)

    def forward(self, vectors: Tensor, cache: Cache | None = None, segments: Tensor | None = None) -> Tensor:
        """Hidden vectors after each place, `[batch, time, width]`.

        Args:
            vectors: what is read now, `[batch, time, width]`.
            cache: what was read before; these places are added to it. It must be empty, or `time` be 1.
            segments: number of the document of each place, `[batch, time]`; no place looks into another.
        """
        begin, time = (cache.length if cache else 0), vectors.shape[1]
        turn = self.angles[begin : begin + time]
        open_places = torch.ones(time, begin + time, dtype=torch.bool).tril(begin)
        if segments is not None:
            same = segments[:, None, :, None] == segments[:, None, None, :]
            open_places = open_places & same
        hide = torch.zeros(open_places.shape, dtype=vectors.dtype).masked_fill_(~open_places, -torch.inf)
        x = locked_dropout(vectors, self.dropout, self.training)
        for number, block in enumerate(self.blocks):
            x = block(x, turn, hide, cache, number)
        if cache:
            cache.length += time
        return locked_dropout(self.norm(x), self.dropout, self.training)

    def read(self, vectors: Tensor, begins: Tensor, carried: None) -> tuple[Tensor, None]:
        """One chunk of the training streams, read from scratch; a `bos` hides all that stands before it.

        `begins` marks where `bos` is read, `[batch, time]`. Nothing is carried to the next chunk.
        """
        segments = begins.cumsum(dim=1) if begins[:, 1:].any() else None
        return self(vectors, segments=segments), None


def rotary_angles(window: int, head: int) -> Tensor:
    """Cosine and sine of position times frequency, `[window, 2, head / 2]` (Su et al. 2021, equation 15)."""
    frequency = 10_000.0 ** (-torch.arange(0, head, 2, dtype=torch.float64) / head)
    angle = torch.outer(torch.arange(window, dtype=torch.float64), frequency)
    return torch.stack([angle.cos(), angle.sin()], dim=1).float()


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turn each pair of dimensions `(i, i + head / 2)` of `[..., time, head]` by the place's angles."""
    cos, sin = turn[:, 0].to(x.dtype), turn[:, 1].to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)

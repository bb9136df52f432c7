"""What can be set of a tokenizer: the `[tokenizer]` table of an experiment, checked.

Knows nothing of how any tokenizer works.
"""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

# What each built-in kind reads. A plug-in's kind is not listed here and may read everything.
_READS: Final = {
    "byte": (),
    "char": ("min_count", "max_size"),
    "word": ("min_count", "max_size"),
    "bpe": ("size",),
}


class TokenizerOptions(BaseModel):
    """Kind of a tokenizer and the size of its vocabulary."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field("word", description="byte, char, word, bpe, or a plug-in's name")
    min_count: int = Field(1, ge=1, description="char, word: what is rarer in train becomes <unk>")
    max_size: int | None = Field(None, ge=4, description="char, word: most ids, bos, eos and unk included")
    size: int = Field(4096, ge=258, le=1_000_000, description="bpe: ids to aim at, bos and eos included")
    order: Literal["forward", "reversed", "shuffled"] = Field(
        "forward", description="in which the tokens of each sentence are read and predicted; any kind"
    )

    @model_validator(mode="after")
    def _only_what_is_read(self) -> Self:
        """An option that would be ignored in silence is an error."""
        for name, field in type(self).model_fields.items():
            unread = name not in ("kind", "order") and name not in _READS.get(self.kind, (name,))
            if unread and getattr(self, name) != field.default:
                raise ValueError(f"{name} means nothing to a tokenizer of kind {self.kind!r}")
        return self

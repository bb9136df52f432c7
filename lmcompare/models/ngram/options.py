"""What may be set for an n-gram model, with defaults that work; checked before anything is counted.

Knows the names of the methods and what each can be told, nothing of how they work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lmcompare.models.ngram.smoothing import COMPOSED, Smoothing

_TAKEN_BY = {
    "composition": COMPOSED,
    "discounts": ("absolute", "kneser-ney", "modified-kneser-ney"),
    "discount_levels": ("modified-kneser-ney",),
    "k": ("add-k",),
    "alpha": ("stupid",),
}


class NgramOptions(BaseModel):
    """Counts and their smoothing; a method's own settings are refused with any other method.

    Attributes:
        order: length of the longest n-grams; the model sees `order - 1` tokens back.
        smoothing: the method; "mle", "add-k", "katz", "jelinek-mercer", "stupid", "witten-bell", "absolute",
            "kneser-ney", "modified-kneser-ney" or "pitman-yor".
        composition: "interpolated" (default) or "back-off", for witten-bell, absolute and (modified)
            kneser-ney.
        discounts: for absolute and (modified) kneser-ney: "textbook" (default; from the counts of counts),
            "tuned" (on the validation text), or for the modified one "lmplz": as KenLM's lmplz estimates
            them, its issue 405 included, to agree with its files in every digit.
        discount_levels: how many tuned discounts an order has: D1, D2, D3+ where it is 3 (default).
        k: what add-k adds to each count, 1 for Laplace's rule; fitted on the validation text by default.
        alpha: weight of each step of stupid back-off (default 0.4).
        interpolate_unigrams: mix single words with the uniform distribution (lmplz's default).
        counts: file of n-gram counts, or several, to learn from in place of the training text; relative to
            the folder one is in. `lmcompare count` writes such files.
        prune: for order 1, 2, ...: n-grams that occur so often or less are left out; the last number
            stands for all orders above. [0, 0, 1] drops what occurs once from order 3 on.
        entropy_prune: n-grams are left out without which the perplexity rises by less than this share, each
            alone, such as 1e-8 (Stolcke).
        quantise: 8: eight bits a number in the model folder, which is a third of the size; the loss stands in
            the model's notes.
        fallback: "auto": where the counts yield no discounts, those of lmplz (0.5, 1 and 1.5) or one half are
            used, and the model's notes say so; "never": that is an error.
        curve: also train on 1/8, 1/4 and 1/2 of the text, for the learning curve.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: int = 5
    smoothing: Literal[
        "mle",
        "add-k",
        "katz",
        "jelinek-mercer",
        "witten-bell",
        "absolute",
        "kneser-ney",
        "modified-kneser-ney",
        "stupid",
        "pitman-yor",
    ] = "modified-kneser-ney"
    composition: Literal["interpolated", "back-off"] | None = None
    discounts: Literal["textbook", "lmplz", "tuned"] | None = None
    discount_levels: Annotated[int, Field(ge=1, le=20)] | None = None
    k: Annotated[float, Field(gt=0, le=1e6)] | None = None
    alpha: Annotated[float, Field(gt=0, le=1)] | None = None
    interpolate_unigrams: bool = True
    counts: str | Annotated[list[str], Field(min_length=1)] | None = None
    prune: list[int] | None = Field(None, min_length=1)
    entropy_prune: Annotated[float, Field(gt=0, le=1)] | None = None
    quantise: Literal[8] | None = None
    fallback: Literal["auto", "never"] = "auto"
    curve: bool = True

    @field_validator("order")
    @classmethod
    def _order_in_range(cls, order: int) -> int:
        if not 1 <= order <= 8:
            raise ValueError(f"must be from 1 to 8, not {order}")
        return order

    @model_validator(mode="after")
    def _prune_fits(self) -> NgramOptions:
        prune = self.prune or [0]
        if prune[0] != 0 or any(low > high for low, high in zip(prune, prune[1:], strict=False)):
            raise ValueError(f"prune must start with 0 and never fall, as [0, 0, 1] does, not {prune}")
        if len(prune) > self.order:
            raise ValueError(f"prune has {len(prune)} numbers, more than the order, {self.order}")
        return self

    @model_validator(mode="after")
    def _settings_are_the_methods(self) -> NgramOptions:
        method = self.smoothing
        for name, methods in _TAKEN_BY.items():
            if getattr(self, name) is not None and method not in methods:
                raise ValueError(f"{name} is a setting of {_listed(methods)}, not of {method}")
        if self.discounts == "lmplz" and method != "modified-kneser-ney":
            raise ValueError(f'discounts = "lmplz" is a setting of modified-kneser-ney, not of {method}')
        if self.discounts == "lmplz" and self.counts is not None:
            raise ValueError('discounts = "lmplz" needs the text, and does not go with counts')
        if self.discounts == "tuned" and self.composition == "back-off":
            raise ValueError('discounts = "tuned" needs composition = "interpolated"')
        if self.discount_levels is not None and self.discounts != "tuned":
            raise ValueError('discount_levels needs discounts = "tuned"')
        if method == "add-k" and not self.interpolate_unigrams:
            raise ValueError("interpolate_unigrams = false does not go with add-k, which adds to every word")
        return self

    def named_files(self) -> list[Path]:
        """See `registry.named_files`."""
        named = [self.counts] if isinstance(self.counts, str) else self.counts
        return list(map(Path, named or ()))

    @property
    def plan(self) -> Smoothing:
        """What the estimation needs to know."""
        return Smoothing(
            method=self.smoothing,
            composition=self.composition or "interpolated",
            prune=tuple(self.prune or ()),
            interpolate_unigrams=self.interpolate_unigrams,
            discounts=self.discounts or "textbook",
            discount_levels=self.discount_levels or 3,
            fallback=self.fallback == "auto",
            k=self.k,
            alpha=self.alpha or 0.4,
        )


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

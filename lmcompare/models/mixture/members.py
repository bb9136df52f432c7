"""The members of a model made of models: found or trained, and checked.

Knows nothing of what is done with them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.interface import LanguageModel, Tokenizer
from lmcompare.models.mixture.options import settings
from lmcompare.registry import Training


def find_member(job: Training, place: str, member: str | Mapping[str, Any]) -> LanguageModel:
    """The model that an option names: one of the job's members, or one that is trained here and now.

    Args:
        job: the training of the model that has the member.
        place: where the member stands in the options ("members[0]"); also the name of its work folder.
        member: the name of a trained model, a kind's name, or a table with a kind.

    Errors: `InputError` for a name that nothing has, or a model of another event space.
    """
    if isinstance(member, str) and member in job.members:
        model = job.members[member]
        check_event_space(model, job.tokenizer, place, member)
        return model
    if isinstance(member, str):
        if not registry.is_built_in(member):
            raise unknown(
                member, [*job.members, *filter(registry.is_built_in, registry.models.names())], place
            )
        member = {"kind": member}
    family = registry.models.get(member["kind"], where=place)
    work = job.folder / place
    work.mkdir(parents=True, exist_ok=True)
    options = family.options.model_validate(settings(member))
    return family.train(replace(job, options=options, folder=work))


def member_notes(members: Sequence[LanguageModel], names: Sequence[str]) -> list[str]:
    """What a user should be told of the members, each with its name."""
    return [
        f"{name}: {note}"
        for name, member in zip(names, members, strict=True)
        for note in getattr(member, "notes", ())
    ]


def unknown(name: str, known: Sequence[str], place: str) -> InputError:
    """What is said of a member's name that nothing has."""
    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(known)}"
    return InputError(f"there is no model {name!r}", where=place, remedy=hint)


def check_event_space(model: LanguageModel, tokenizer: Tokenizer, place: str, name: str) -> None:
    """Refuse a member that predicts other events: its probabilities are not of the same things."""
    if model.tokenizer.fingerprint != tokenizer.fingerprint:
        raise InputError(
            f"{name!r} has another tokenizer ({model.tokenizer.kind}, {model.tokenizer.size:,} ids), so its "
            f"events are not those of this model ({tokenizer.kind}, {tokenizer.size:,} ids)",
            where=place,
            remedy="Give both the same tokenizer",
        )

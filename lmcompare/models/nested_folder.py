"""Model folders that hold other models' folders, `member-0`, `member-1`, ..., so that each is whole.

Knows nothing of what a model does with those inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lmcompare import files, registry
from lmcompare.interface import LanguageModel, Tokenizer


def save_with_members(
    folder: Path,
    kind: str,
    config: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    tokenizer: Tokenizer,
    members: Sequence[LanguageModel],
) -> None:
    """Write a model folder (see `files.save_model`) with its members' own folders in it."""
    with files.new_folder(folder) as temporary:
        own = temporary / "own"
        files.save_model(own, kind, {**config, "members": len(members)}, arrays, tokenizer.to_json())
        (own / files.MANIFEST).unlink()  # the outer folder's manifest names every file
        for file in own.iterdir():
            file.rename(temporary / file.name)
        own.rmdir()
        for number, member in enumerate(members):
            member.save(temporary / f"member-{number}")


def load_members(folder: Path, config: Mapping[str, Any]) -> list[LanguageModel]:
    """The members of a folder that `save_with_members` wrote."""
    places = [folder / f"member-{number}" for number in range(int(config.get("members", 0)))]
    return [registry.models.get(files.model_kind(place), where=str(place)).load(place) for place in places]

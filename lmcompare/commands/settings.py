"""Settings on the command line, as in TOML: those of a model, of a tokenizer, of an experiment."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from typing import Any

from lmcompare.errors import InputError
from lmcompare.experiment.changes import merged
from lmcompare.experiment.spec import check_options
from lmcompare.text.tokenizers.options import TokenizerOptions


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Settings such as "order=5" or 'kind="bpe", size=2000' as TOML values; a bare word is a string.

    A key with dots, such as "models.LSTM.epochs=1", makes tables within tables.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        found = merged(found, _table(setting))
    return found


def _table(setting: str) -> dict[str, Any]:
    key, _, value = setting.partition("=")
    bare = f"{key} = {json.dumps(value.strip())}" if value and "," not in value else ""
    for text in filter(None, (setting, bare)):
        try:
            return dict(tomllib.loads(f"table = {{{text}}}")["table"])
        except tomllib.TOMLDecodeError:
            continue
    raise InputError(f"cannot read {setting!r}", where="--set", remedy="Write KEY=VALUE, such as order=5")


def tokenizer_options(text: str) -> TokenizerOptions:
    """What `--tokenizer` asks for: a kind alone, or a table such as 'kind="bpe", size=2000'."""
    words = read_settings([text if "=" in text else f"kind={text}"])
    options: TokenizerOptions = check_options(TokenizerOptions, words, "--tokenizer")
    return options

"""Settings on the command line, as in TOML: those of a model and those of a tokenizer."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Any

from lmcompare.errors import InputError
from lmcompare.experiment.spec import check_options
from lmcompare.text.tokenizers.options import TokenizerOptions


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Settings such as "order=5" or 'kind="bpe", size=2000' as TOML values; a bare word is a string."""
    found: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        try:
            found |= tomllib.loads(f"table = {{{setting}}}")["table"]
        except tomllib.TOMLDecodeError:
            if not key.strip() or not value or "," in value:
                remedy = "Write KEY=VALUE, such as order=5"
                raise InputError(f"cannot read {setting!r}", where="--set", remedy=remedy) from None
            found[key.strip()] = value.strip()
    return found


def tokenizer_options(text: str) -> TokenizerOptions:
    """What `--tokenizer` asks for: a kind alone, or a table such as 'kind="bpe", size=2000'."""
    words = read_settings([text if "=" in text else f"kind={text}"])
    options: TokenizerOptions = check_options(TokenizerOptions, words, "--tokenizer")
    return options

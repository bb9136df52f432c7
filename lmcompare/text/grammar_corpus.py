"""A corpus sampled from a grammar: documents that keep their topic, and the exact entropy as facts.

Knows nothing of how probabilities are computed (`grammar`).
"""

from __future__ import annotations

import math
import random
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lmcompare.errors import InputError
from lmcompare.text.corpus import SPLITS, Document
from lmcompare.text.grammar import Grammar

_POSITIVE: Final = Field(ge=1)


class Topic(BaseModel):
    """A topic: the rule that its sentences come from, and how often documents have it."""

    model_config = ConfigDict(extra="forbid")

    start: str
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)


class Sizes(BaseModel):
    """Number of sentences of each split."""

    model_config = ConfigDict(extra="forbid")

    train: int = _POSITIVE
    valid: int = _POSITIVE
    test: int = _POSITIVE


class GrammarFile(BaseModel):
    """The content of a `grammar.toml`."""

    model_config = ConfigDict(extra="forbid")

    seed: int
    sentences: Sizes
    document: tuple[Annotated[int, _POSITIVE], Annotated[int, _POSITIVE]] = Field(
        description="fewest and most sentences of a document"
    )
    topics: dict[str, Topic] = Field(min_length=1)
    rules: dict[str, str | list[str]]


def read_grammar(path: Path) -> tuple[GrammarFile, Grammar]:
    """A grammar file, checked; raises `InputError` with the place of every fault."""
    try:
        file = GrammarFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"not a grammar: {error}", where=str(path)) from None
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise InputError("; ".join(faults), where=str(path)) from None
    if file.document[0] > file.document[1]:
        raise InputError("the fewest sentences are more than the most", where=f"{path}, document")
    for name, topic in file.topics.items():
        if topic.start not in file.rules:
            raise InputError(f"there is no rule {topic.start!r}", where=f"{path}, topics.{name}.start")
    try:
        return file, Grammar(file.rules)
    except InputError as error:
        raise InputError(error.what, where=f"{path}, {error.where}", remedy=error.remedy) from None


def grammar_corpus(path: Path) -> tuple[dict[str, list[Document]], dict[str, float | str]]:
    """Documents by split, and what is known of the language.

    A document draws its topic, then its sentences independently. The facts count a token as a character or
    a sentence's end:

    - `entropy_bits_per_sentence`, `entropy_bits_per_token`: of a sentence whose topic is not known. The floor
      of models that forget at the sentence's end.
    - `entropy_bits_per_sentence_given_topic`, `entropy_bits_per_token_given_topic`: the topic is known. The
      floor of models that read on.
    - `true_bits_per_token_valid`, `..._test`: what the grammar itself needs for these very splits without
      knowing the topic; the chance in the sample is in it, so compare a model's result with this.
    """
    file, grammar = read_grammar(path)
    source = random.Random(file.seed)
    splits: dict[str, list[Document]] = {split: _sample(file, grammar, source, split) for split in SPLITS}
    starts: dict[str, float] = {}
    for topic in file.topics.values():
        starts[topic.start] = starts.get(topic.start, 0.0) + topic.weight
    mixed = grammar.entropy(starts)
    alone = [(grammar.entropy({start: 1.0}), weight) for start, weight in starts.items()]
    total = sum(starts.values())
    bits = sum(entropy.bits_per_sentence * weight for entropy, weight in alone) / total
    facts: dict[str, float | str] = {
        "entropy_bits_per_sentence": mixed.bits_per_sentence,
        "entropy_bits_per_token": mixed.bits_per_token,
        "entropy_bits_per_sentence_given_topic": bits,
        "entropy_bits_per_token_given_topic": bits / mixed.tokens_per_sentence,
        "tokens_per_sentence": mixed.tokens_per_sentence,
    }
    for split in ("valid", "test"):
        facts[f"true_bits_per_token_{split}"] = _true_bits(grammar, starts, splits[split])
    return splits, facts


def grammar_source(path: Path) -> dict[str, Any]:
    """The language as plain values (`Corpus.source`): sentences of a topic that the document keeps."""
    file, _ = read_grammar(path)
    topics = {name: [topic.weight, topic.start] for name, topic in file.topics.items()}
    return {"kind": "topics", "topics": topics, "rules": file.rules}


def _sample(file: GrammarFile, grammar: Grammar, source: random.Random, split: str) -> list[Document]:
    topics = list(file.topics.items())
    total = sum(topic.weight for _, topic in topics)
    fewest, most = file.document
    documents: list[Document] = []
    left = int(getattr(file.sentences, split))
    while left:
        place = source.random() * total
        name, topic = topics[-1]
        for name, topic in topics:  # noqa: B007
            place -= topic.weight
            if place < 0:
                break
        number = min(left, fewest + int(source.random() * (most - fewest + 1)))
        sentences = tuple(grammar.sample(topic.start, source) for _ in range(number))
        documents.append(Document(f"{name}:{split}:{len(documents) + 1}", sentences))
        left -= number
    return documents


def _true_bits(grammar: Grammar, starts: dict[str, float], documents: list[Document]) -> float:
    surprisals = [
        -logprob
        for document in documents
        for sentence in document.sentences
        for logprob in grammar.logprobs(sentence, starts)
    ]
    return math.fsum(surprisals) / len(surprisals) / math.log(2)

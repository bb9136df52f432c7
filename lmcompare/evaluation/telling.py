"""What a trained model has to tell of how it came about: fall-backs, what was tuned, what was chosen.

Knows a model's notes and facts, not how they are shown.
"""

from __future__ import annotations

from lmcompare.interface import LanguageModel


def notes_of(model: LanguageModel) -> list[str]:
    """Sentences for people: the model's own, then those of its facts; none of a model that has neither."""
    notes = [str(note) for note in getattr(model, "notes", ())]
    facts = getattr(model, "facts", {})
    if "precision" in facts and "threads" in facts:
        notes.append(f"trained in {facts['precision']}, threads: {facts['threads']}")
    if len(facts.get("tried", ())) > 1:
        told = f"{len(facts['tried'])} settings were tried on {facts['valid_tokens']:,} validation tokens"
        notes.append(f"{told}, whose own perplexity is too low thereby")
    return list(dict.fromkeys(notes))

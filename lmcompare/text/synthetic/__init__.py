"""Synthetic languages: distributions over sentences that we hold, so that the truth is known.

One small module a family of languages (`markov`, `hidden`, `context_free`, `brackets`, `copying`,
`recall`, `parts`), each a `Process`; `options` is what may be set, `drawing` makes a corpus. Knows
nothing of models.
"""

"""Text: corpora from anywhere, tokenizers, and encoded corpora. Knows nothing of models."""

"""Models made of models: interpolation, caches of what a document has said so far, adaptation."""

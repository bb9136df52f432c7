"""N-gram models: counts, smoothing, tables, the model, ARPA files, and KenLM's own files."""

"""Experiments: what a TOML file asks for, where cells are kept, and the run that fills them."""

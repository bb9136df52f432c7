"""One small module a command; `lmcompare.__main__` gathers them."""

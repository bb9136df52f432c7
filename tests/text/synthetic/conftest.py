"""The tiny languages as a parameter of a test."""

from __future__ import annotations

import pytest
from tiny_languages import TINY, Tiny


@pytest.fixture(params=sorted(TINY))
def tiny(request: pytest.FixtureRequest) -> Tiny:
    return TINY[request.param]

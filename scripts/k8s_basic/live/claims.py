"""The mark that ties a test to the sentences it proves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def claim(*ids: str) -> Callable[[Any], Any]:
    """Mark a test as the proof of the sentences that carry these ids ("WL-15") on the pages."""
    return pytest.mark.claim(*ids)

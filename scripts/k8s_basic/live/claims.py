"""The mark that ties a test to the sentences it proves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def claim(*ids: str, since: str = "") -> Callable[[Any], Any]:
    """Mark a test as the proof of the sentences that carry these ids ("WL-15") on the pages.

    `since` is the first Kubernetes minor that behaves so ("1.36"); on older ones it is not run.
    """
    return pytest.mark.claim(*ids, since=since)


def needs(*what: str) -> Callable[[Any], Any]:
    """Mark what a test needs beyond a namespace: see NEEDS in own.py."""
    return pytest.mark.needs(*what)

"""The machinery of the live tests: few verbs, so that a test reads like the sentence it proves."""

from .claims import claim, needs
from .lab import Lab
from .objects import ABSENT, Object, Objects, count, is_ready, ready, reports
from .refusals import Refused

__all__ = [
    "ABSENT",
    "Lab",
    "Object",
    "Objects",
    "Refused",
    "claim",
    "count",
    "is_ready",
    "needs",
    "ready",
    "reports",
]

"""The machinery of the live tests: few verbs, so that a test reads like the sentence it proves."""

from .claims import claim, needs
from .conditions import ABSENT, Condition, count, is_ready, ready, reports
from .failures import Refused, Trouble, Unmet
from .lab import Completed, Lab
from .objects import Object, Objects

__all__ = [
    "ABSENT",
    "Completed",
    "Condition",
    "Lab",
    "Object",
    "Objects",
    "Refused",
    "Trouble",
    "Unmet",
    "claim",
    "count",
    "is_ready",
    "needs",
    "ready",
    "reports",
]

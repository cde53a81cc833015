"""Errors that a person can act on: one sentence that says what happened and what to do next."""


class ClusterError(Exception):
    """The cluster, its engine or its images cannot be had; the text says what to do."""

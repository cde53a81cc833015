"""Ports of this machine that a command is about to listen on."""

from __future__ import annotations

import socket


def refusal(address: str, port: int) -> str:
    """Return why nothing can listen on a port of this machine's `address`, or nothing."""
    with socket.socket() as probe:
        # a connection that ended a moment ago is nobody who listens
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except (OSError, OverflowError) as problem:
            return getattr(problem, "strerror", None) or str(problem)
    return ""

"""How a verb of the lab ends when it does not end well: unmet, refused, or our own trouble."""

from __future__ import annotations

import json
import re

from kubernetes.client import ApiException

CODES = {
    "Invalid": 422, "NotFound": 404, "AlreadyExists": 409, "Conflict": 409, "Forbidden": 403,
    "BadRequest": 400, "Unauthorized": 401, "MethodNotAllowed": 405,
}  # fmt: skip


class Unmet(AssertionError):
    """The cluster did not do what was wanted: a wait ran out, a hold broke, a refusal stayed away.

    A test's own `assert` says the same of the cluster; together with Refused, these are the only
    failures that speak of it.
    """


class Trouble(Exception):
    """The test could not look: the fault lies with the lab or its cluster, not with a sentence."""


class Refused(Exception):
    """The API server, or kubectl before it, did not do what was asked.

    `code` and `reason` are the API server's (None when kubectl gave up before it asked), `message`
    its text.
    """

    def __init__(self, message: str, reason: str | None = None, code: int | None = None):
        """Keep what the server said."""
        super().__init__(message)
        self.message, self.reason, self.code = message, reason, code

    @classmethod
    def by_kubectl(cls, stderr: str) -> Refused:
        """Read kubectl's standard error, whose form is kubectl's `cmdutil.CheckErr`."""
        found = re.search(r"Error from server \((\w+)\)", stderr)
        reason = found[1] if found else None
        if re.search(r'^The (\S+ ".*"|request) is invalid', stderr, re.MULTILINE):
            reason = "Invalid"
        return cls(stderr.strip(), reason, CODES.get(reason or ""))

    @classmethod
    def by_server(cls, error: ApiException) -> Refused:
        """Read the `Status` object that the API server sent."""
        try:
            status = json.loads(error.body or "{}")
        except ValueError:
            status = {}
        message = status.get("message") or str(error.reason)
        causes = (status.get("details") or {}).get("causes") or []
        fields = " ".join(cause.get("field", "") for cause in causes)
        return cls(f"{message} {fields}".strip(), status.get("reason"), error.status)

    def lacks(
        self, code: int | None, reason: str | None, field: str | None, text: str | None
    ) -> list[str]:
        """Return one line for each expectation that this answer does not meet."""
        checks = {
            f"code {code}": code in (None, self.code),
            f"reason {reason}": reason in (None, self.reason),
            f"field {field}": field is None or field in self.message,
            f"text {text}": text is None or bool(re.search(text, self.message, re.IGNORECASE)),
        }
        return [expectation for expectation, met in checks.items() if not met]

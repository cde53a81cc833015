"""`./scripts/serve`: the site at an address of this machine, rebuilt when a file changes."""

from __future__ import annotations

import argparse
import os
import sys

from mkdocs.__main__ import cli

from . import ROOT, ports, processes


def main() -> int:
    """Serve until a signal comes; return 1 when the port isn't free."""
    parser = argparse.ArgumentParser(prog="./scripts/serve", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    options, rest = parser.parse_known_args()
    if taken := ports.refusal("127.0.0.1", options.port):
        print(
            f"error: port {options.port} of localhost can't be used ({taken}): end the program "
            "that has it, or take another port with --port",
            file=sys.stderr,
        )
        return 1
    address = f"127.0.0.1:{options.port}"
    print(f"한국어  http://{address}/\nEnglish http://{address}/en/\n", flush=True)
    # commands on the pages then fetch the examples from this very server
    os.environ["SITE_URL"] = f"http://{address}/"
    os.chdir(ROOT)
    # in this very process, so that nothing is left when it ends
    cli(["serve", "--strict", "--dev-addr", address, *rest], prog_name="mkdocs")
    return 0


if __name__ == "__main__":
    processes.command(main)

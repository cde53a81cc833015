"""`./scripts/serve`: the site at an address of this machine, rebuilt when a file changes."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from . import ROOT


def main() -> int:
    """Serve until Ctrl-C and return mkdocs' exit code."""
    parser = argparse.ArgumentParser(prog="./scripts/serve", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    options, rest = parser.parse_known_args()
    address = f"127.0.0.1:{options.port}"
    print(f"한국어  http://{address}/\nEnglish http://{address}/en/\n", flush=True)
    # commands on the pages then fetch the examples from this very server
    env = {**os.environ, "SITE_URL": f"http://{address}/"}
    command = [sys.executable, "-m", "mkdocs", "serve", "--strict", "--dev-addr", address, *rest]
    try:
        return subprocess.run(command, cwd=ROOT, env=env).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())

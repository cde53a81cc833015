"""runc, less the capabilities that this machine does not grant.

The engine calls this in place of runc. It takes what is not in the bounding set out of the
container's config.json and out of exec's --process file, then becomes runc.
"""

from __future__ import annotations

import json
import os
import sys

# linux/capability.h, in the order of their numbers
NAMES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO "
    "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME "
    "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG "
    "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
# what the engine asks for a privileged container, as Docker documents it
EVERY = {f"CAP_{name}" for name in NAMES}


def granted() -> set[str]:
    """Return the names of the capabilities in this process's bounding set."""
    with open("/proc/self/status", encoding="ascii") as status:
        mask = next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))
    return {f"CAP_{name}" for number, name in enumerate(NAMES) if mask >> number & 1}


def specification(arguments: list[str]) -> str | None:
    """Return the file that says what the container's process may do, or None."""
    for flag, value in zip(arguments, arguments[1:]):
        if flag in ("--bundle", "-b"):
            return os.path.join(value, "config.json")
        if flag in ("--process", "-p"):
            return value
    return None


def restrict(path: str) -> None:
    """Take out of the specification at `path` what this machine does not grant."""
    with open(path, encoding="utf-8") as file:
        spec = json.load(file)
    process = spec.get("process", spec)
    sets, allowed = process.get("capabilities") or {}, granted()
    for name, wanted in sets.items():
        sets[name] = [capability for capability in wanted if capability in allowed]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(spec, file)


if __name__ == "__main__":
    target = specification(sys.argv)
    if target and os.path.exists(target):
        restrict(target)
    os.execvp("runc", ["runc", *sys.argv[1:]])

"""The first code that runs in a child of a cold level: limits itself, then becomes the experiment.

Run as ``python -s -P -B -m evidentia.sandbox.child SETTINGS``, in JSON; `process.py` says which.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from evidentia.sandbox import script


def _bind_to_parent(parent: int) -> None:
    from evidentia.sandbox.linux import syscalls

    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    if parent and os.getppid() != parent:
        os._exit(137)


def main() -> None:
    """Apply the settings and run the script."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    for group in settings["groups"]:
        os.write(group, b"0")
        os.close(group)
    if sys.platform == "linux":
        _bind_to_parent(settings["parent"])
    os.umask(0o077)
    script.limit_resources(settings["cpu_seconds"], settings["data_bytes"], settings["disk_bytes"])
    if settings["confined"]:
        from evidentia.sandbox import landlocked

        landlocked.confine(os.getcwd(), tuple(settings["devices"]), settings["processes"])
    script.fix_seeds(settings["seed"])
    sys.exit(script.run())


if __name__ == "__main__":
    main()

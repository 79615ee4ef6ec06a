"""The first code that runs in a child of the process level: limits itself, then becomes the experiment.

Run as ``python -I -B child.py PARENT CPU_SECONDS DATA_BYTES FILE_BYTES``; only the standard library.
"""

import ctypes
import os
import resource
import runpy
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


def _bind_to_parent(parent: int) -> None:
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(137)


def _limit(kind: int, soft: int, hard: int) -> None:
    ceiling = resource.getrlimit(kind)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(kind, (soft, hard))


def main() -> None:
    """Apply the limits given on the command line and run ``experiment.py`` of the working folder."""
    parent, cpu, data, size = (int(word) for word in sys.argv[1:5])
    _bind_to_parent(parent)
    os.umask(0o077)
    _limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    _limit(resource.RLIMIT_DATA, data, data)
    _limit(resource.RLIMIT_FSIZE, size, size)
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_NOFILE, 256, 256)
    sys.argv = ["experiment.py"]
    runpy.run_path("experiment.py", run_name="__main__")


if __name__ == "__main__":
    main()

"""What a fork of the zygote does to itself before the script begins; from then on nothing can be undone."""

from __future__ import annotations

import os
import signal
from typing import Any

from evidentia.sandbox import script
from evidentia.sandbox.job import MIB, variables
from evidentia.sandbox.linux import landlock, seccomp, syscalls
from evidentia.sandbox.zygote import root


def confine(request: dict[str, Any], scratch: int, streams: tuple[int, int]) -> None:
    """Confine this process, which must be alone in fresh namespaces. Raises OSError at the first step that fails:
    then nothing must run."""
    os.setsid()
    os.umask(0o077)
    os.fchdir(scratch)
    _keep_only(streams)
    # Graphics drivers reserve more memory than they use.
    data = None if request["devices"] else 2 * request["memory_bytes"] + 1024 * MIB
    script.limit_resources(request["cpu_seconds"], data, request["disk_bytes"], 2 * request["processes"] + 64)
    if request["user"] is not None:
        os.setgroups([])
        os.setresgid(*[request["user"]] * 3)
        os.setresuid(*[request["user"]] * 3)
    syscalls.drop_capabilities()
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    # The script may read its own /proc; the processes above it stay unreadable.
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
    # With devices, the scratch folder is mounted so that what lies there can be loaded: then the right to run must not
    # come from the root, of which it is a part.
    runnable = root.readable() if request["devices"] else ["/"]
    rights = [("/", landlock.READ), *((path, landlock.READ_EXECUTE) for path in runnable)]
    rights += [(path, landlock.DEVICE) for path in (*root.DEVICES, *request["devices"])]
    landlock.restrict(rights, (root.SCRATCH, root.SHARED_MEMORY, root.CACHE))
    seccomp.restrict(("memfd_create",) if request["devices"] else ())
    os.environ.clear()
    os.environ.update(variables(root.SCRATCH), NUMBA_CACHE_DIR=root.CACHE)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _keep_only(streams: tuple[int, int]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for handle, number in ((nothing, 0), (streams[0], 1), (streams[1], 2)):
        os.dup2(handle, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))

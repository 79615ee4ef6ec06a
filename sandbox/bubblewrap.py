"""The bubblewrap level: a fresh interpreter per job inside ``bwrap``, for machines where only it may make namespaces.

https://github.com/containers/bubblewrap; the same file system as the warm level, with the scratch folder on disk.
Inside, the interpreter confines itself as at the level of Landlock and seccomp.
"""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from pathlib import Path

from evidentia.sandbox.job import Job, SandboxFailedError
from evidentia.sandbox.linux import seccomp
from evidentia.sandbox.probing import probe_folder
from evidentia.sandbox.process import ProcessSandbox, Wrapping
from evidentia.sandbox.zygote import root

LEVEL = "bubblewrap"
_SANDBOX = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
    *(
        "--uid",
        "1000",
        "--gid",
        "1000",
        "--cap-drop",
        "ALL",
        "--hostname",
        "sandbox",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ),
)


def _wrap(scratch: Path, devices: tuple[str, ...]) -> Wrapping:
    words = [shutil.which("bwrap") or "bwrap", *_SANDBOX]
    for path in root.readable():
        if os.path.islink(path) and path.count("/") == 1:
            words += ["--symlink", os.readlink(path), path]
        else:
            words += ["--ro-bind", path, path]
    for device in devices:
        words += ["--dev-bind", device, device]
    words += ["--bind", str(scratch), root.SCRATCH, "--chdir", root.SCRATCH]
    if not any(path.startswith(f"{root.TEMPORARY}/") for path in root.readable()):
        words += ["--symlink", root.SCRATCH, root.TEMPORARY]
    handles = [_readable(content.encode()) for content in root.ACCOUNTS.values()]
    for name, handle in zip(root.ACCOUNTS, handles, strict=True):
        words += ["--ro-bind-data", str(handle), f"/etc/{name}"]
    return Wrapping((*words, "--remount-ro", "/proc", "--remount-ro", "/", "--"), root.SCRATCH, tuple(handles))


def _readable(content: bytes) -> int:
    """A descriptor that the content, less than a pipe holds, can be read from."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(content)
    return reading


def open_level(scratch_root: Path, compile_cache: Path | None, devices: tuple[str, ...]) -> ProcessSandbox:
    """Open a sandbox of this level."""
    return ProcessSandbox(
        scratch_root,
        compile_cache,
        level=LEVEL,
        wrap=lambda scratch: _wrap(scratch, devices),
        confined=True,
        devices=devices,
    )


@cache
def probe() -> tuple[bool, str]:
    """Whether this machine has the level, found out by running a script in it."""
    if sys.platform != "linux":
        return False, "needs Linux"
    if shutil.which("bwrap") is None:
        return False, "install bubblewrap (apt install bubblewrap, dnf install bubblewrap)"
    if not seccomp.available():
        return False, "the kernel takes no seccomp filters (CONFIG_SECCOMP_FILTER)"
    with probe_folder() as folder:
        sandbox = open_level(folder, None, ())
        try:
            seen = sandbox.run(Job("print('confined')"))
        except (SandboxFailedError, OSError) as error:
            return False, str(error)
        finally:
            sandbox.close()
    if seen.stdout != b"confined\n":
        return False, f"bwrap does not start here: {seen.stderr.decode(errors='replace').strip()[-200:]}"
    return True, f"cold; {'control groups bound' if seen.accounting == 'cgroup' else 'looks every 30 ms bound'} memory"

"""Run a program that has no file."""
# ruff: noqa: S606

import os
import shutil
import sys
from pathlib import Path

handle = os.memfd_create("program")
program = Path(shutil.which("true") or sys.executable)
os.write(handle, program.read_bytes())
pid = os.fork()
if pid == 0:
    try:
        os.execve(handle, ["true", "-V"], {})
    except OSError as error:
        os._exit(error.errno or 1)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if status:
    raise OSError(status, os.strerror(status) if status > 0 else f"signal {-status}")
print("succeeded: it ran", flush=True)

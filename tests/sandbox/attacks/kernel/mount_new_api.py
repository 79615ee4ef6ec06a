"""Begin a mount with the newer calls, which filters often forget."""

import ctypes
import os

FSOPEN = 430

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(FSOPEN, b"tmpfs", 0) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: a file system is open for mounting", flush=True)

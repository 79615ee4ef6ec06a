"""Change the root of the whole mount tree (with bad pointers: EFAULT shows the call is open)."""

import ctypes
import errno
import os

PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[os.uname().machine]

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(PIVOT_ROOT, None, None)
error = ctypes.get_errno()
if error != errno.EFAULT:
    raise OSError(error, os.strerror(error))
print("succeeded: the kernel read the arguments", flush=True)

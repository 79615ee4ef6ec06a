"""Load another kernel (with bad flags: EINVAL shows the call is open)."""

import ctypes
import errno
import os

KEXEC_LOAD = {"x86_64": 246, "aarch64": 104}[os.uname().machine]
BAD_FLAGS = ctypes.c_ulong(0xFF0)

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(KEXEC_LOAD, ctypes.c_ulong(0), ctypes.c_ulong(0), None, BAD_FLAGS)
error = ctypes.get_errno()
if error != errno.EINVAL:
    raise OSError(error, os.strerror(error))
print("succeeded: the kernel read the arguments", flush=True)

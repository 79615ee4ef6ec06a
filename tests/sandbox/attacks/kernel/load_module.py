"""Load a module into the kernel (an empty one: ENOEXEC or EFAULT shows the call is open)."""

import ctypes
import errno
import os

INIT_MODULE = {"x86_64": 175, "aarch64": 105}[os.uname().machine]

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(INIT_MODULE, None, ctypes.c_ulong(0), b"")
error = ctypes.get_errno()
if error not in (errno.ENOEXEC, errno.EFAULT, errno.EINVAL):
    raise OSError(error, os.strerror(error))
print("succeeded: the kernel read the arguments", flush=True)

"""Turn a file into swap space (with a bad pointer: EFAULT shows the call is open)."""

import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.swapon(None, 0)
error = ctypes.get_errno()
if error != errno.EFAULT:
    raise OSError(error, os.strerror(error))
print("succeeded: the kernel read the arguments", flush=True)

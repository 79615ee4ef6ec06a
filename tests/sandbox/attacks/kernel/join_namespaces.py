"""Join the namespaces of the first process."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
with open("/proc/1/ns/net") as file:
    if libc.setns(file.fileno(), 0) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: joined", flush=True)

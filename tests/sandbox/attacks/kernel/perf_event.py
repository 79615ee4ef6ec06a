"""Open a performance counter, with which the kernel and other processes can be observed."""

import ctypes
import os
import struct

PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}[os.uname().machine]
PERF_TYPE_SOFTWARE, SIZE = 1, 64

attributes = struct.pack("II", PERF_TYPE_SOFTWARE, SIZE) + bytes(SIZE - 8)
libc = ctypes.CDLL(None, use_errno=True)
unused = ctypes.c_long(-1)
if libc.syscall(PERF_EVENT_OPEN, attributes, 0, unused, unused, 0) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: a counter is open", flush=True)

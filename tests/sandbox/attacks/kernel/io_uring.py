"""Set up an io_uring, which does input and output past a filter of system calls."""

import ctypes
import os

IO_URING_SETUP = 425

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(IO_URING_SETUP, 1, ctypes.create_string_buffer(120)) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: a ring is set up", flush=True)

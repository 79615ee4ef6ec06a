"""Read the kernel's log, where addresses and other users' doings stand."""

import ctypes
import os

SYSLOG_ACTION_READ_ALL = 3

libc = ctypes.CDLL(None, use_errno=True)
count = libc.klogctl(SYSLOG_ACTION_READ_ALL, ctypes.create_string_buffer(4096), 4096)
if count == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print(f"succeeded: read {count} bytes", flush=True)

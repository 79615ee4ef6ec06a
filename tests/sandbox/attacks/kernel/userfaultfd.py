"""Take page faults into its own hands, the usual help in exploiting races in the kernel."""

import ctypes
import os

USERFAULTFD = {"x86_64": 323, "aarch64": 282}[os.uname().machine]
USER_MODE_ONLY = 1

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(USERFAULTFD, USER_MODE_ONLY) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: faults can be handled", flush=True)

"""Become root in a user namespace of its own."""

import ctypes
import os

CLONE_NEWUSER = 0x10000000

libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(CLONE_NEWUSER) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: is in a new user namespace", flush=True)

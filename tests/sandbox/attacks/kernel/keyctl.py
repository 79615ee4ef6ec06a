"""Look up the key ring of the host's session."""

import ctypes
import os

KEYCTL = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
KEYCTL_GET_KEYRING_ID, SESSION_KEYRING = 0, ctypes.c_long(-3)

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(KEYCTL, KEYCTL_GET_KEYRING_ID, SESSION_KEYRING, 0) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: found the ring", flush=True)

"""Leave a key in the user's key ring for the next experiment (the kernel drops it after 20 s)."""

import ctypes
import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
ADD_KEY, KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
KEYCTL_SEARCH, KEYCTL_SET_TIMEOUT, USER_KEYRING = 10, 15, ctypes.c_long(-4)
NAME = TARGET["mark"].encode()

libc = ctypes.CDLL(None, use_errno=True)
found = libc.syscall(KEYCTL, KEYCTL_SEARCH, USER_KEYRING, b"user", NAME, 0) != -1
if not found:
    key = libc.syscall(ADD_KEY, b"user", NAME, b"x", ctypes.c_size_t(1), USER_KEYRING)
    if key == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    libc.syscall(KEYCTL, KEYCTL_SET_TIMEOUT, key, 20)
print("succeeded: the last one's key is there" if found else "blocked: nothing was left", flush=True)

"""Mount a secret file over the output."""

import ctypes
import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
MS_BIND = 4096

Path("rows.jsonl").touch()
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(os.fsencode(TARGET["secret"]), b"rows.jsonl", None, ctypes.c_ulong(MS_BIND), None) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: the secret lies over the output", flush=True)

"""Read the victim's memory with process_vm_readv."""

import ctypes
import hashlib
import json
import os
import re
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
PATTERN = re.compile(b"EVIDENTIA-" + b"PLANTED-[0-9a-f]{32}")


class Piece(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


maps = Path(f"/proc/{TARGET['victim']}/maps").read_text().splitlines()
start, end = (int(word, 16) for word in next(line for line in maps if "[stack]" in line).split()[0].split("-"))
buffer = ctypes.create_string_buffer(end - start)
here, there = Piece(ctypes.addressof(buffer), end - start), Piece(start, end - start)
libc = ctypes.CDLL(None, use_errno=True)
zero, one = ctypes.c_ulong(0), ctypes.c_ulong(1)
if libc.process_vm_readv(TARGET["victim"], ctypes.byref(here), one, ctypes.byref(there), one, zero) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
found = any(hashlib.sha256(text).hexdigest() == TARGET["sha256"] for text in PATTERN.findall(buffer.raw))
print("succeeded: found the secret" if found else "blocked: the secret is not there", flush=True)

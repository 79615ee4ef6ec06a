"""Make an eBPF map, the first step of loading a program into the kernel."""

import ctypes
import os
import struct

BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
BPF_MAP_CREATE, BPF_MAP_TYPE_ARRAY = 0, 2

attributes = struct.pack("4I", BPF_MAP_TYPE_ARRAY, 4, 4, 1) + bytes(48)
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(BPF, BPF_MAP_CREATE, attributes, len(attributes)) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: made a map", flush=True)

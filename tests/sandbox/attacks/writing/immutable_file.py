"""Make a file that nobody can remove."""

import fcntl
import struct

FS_IOC_SETFLAGS, IMMUTABLE = 0x40086602, 0x10

with open("stone", "wb") as file:
    fcntl.ioctl(file, FS_IOC_SETFLAGS, struct.pack("l", IMMUTABLE))
print("blocked: unless the file stays", flush=True)

"""Unmount what covers the machine's files (the folder named is no mount point: EINVAL shows the call is open)."""

import ctypes
import errno
import os

os.mkdir("place")
libc = ctypes.CDLL(None, use_errno=True)
libc.umount2(b"place", 0)
error = ctypes.get_errno()
if error != errno.EINVAL:
    raise OSError(error, os.strerror(error))
print("succeeded: the kernel looked for the mount", flush=True)

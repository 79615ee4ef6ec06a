"""Open files by inode number, past all folders (a forged handle: ESTALE shows the call is open)."""

import ctypes
import errno
import os
import struct

libc = ctypes.CDLL(None, use_errno=True)
folder = os.open(".", os.O_RDONLY)
forged = struct.pack("IiII", 8, 1, 2, 0)
handle = libc.open_by_handle_at(folder, forged, os.O_RDONLY)
error = ctypes.get_errno()
if handle == -1 and error not in (errno.ESTALE, errno.EINVAL):
    raise OSError(error, os.strerror(error))
print("succeeded: the kernel looked for the inode", flush=True)

"""Make new namespaces with the clone3 call, whose flags a filter cannot see."""

import ctypes
import os
import signal
import struct

CLONE3 = 435
CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET = 0x10000000, 0x00020000, 0x40000000

arguments = struct.pack("8Q", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
libc = ctypes.PyDLL(None, use_errno=True)
pid = libc.syscall(CLONE3, arguments, ctypes.c_size_t(len(arguments)))
if pid == 0:
    os._exit(0)
if pid == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
os.waitpid(pid, 0)
print("succeeded: a child ran in new namespaces", flush=True)

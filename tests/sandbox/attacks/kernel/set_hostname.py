"""Rename the machine (to the name it has)."""

import socket

socket.sethostname(socket.gethostname())
print("succeeded: the name was set", flush=True)

"""Leave a socket in the place of the output."""

import socket

socket.socket(socket.AF_UNIX).bind("rows.jsonl")
print("blocked: unless the host took it", flush=True)

"""Use the kernel's crypto interface, a rich source of its faults."""

import socket

with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as line:
    line.bind(("hash", "sha256"))
    print("succeeded: the kernel computes hashes", flush=True)

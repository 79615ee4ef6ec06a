"""Open a socket to the hypervisor."""

import socket

with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM):
    print("succeeded: a vsock socket is open", flush=True)

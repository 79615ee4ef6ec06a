"""Open a raw socket, to forge and read packets."""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP):
    print("succeeded: a raw socket is open", flush=True)

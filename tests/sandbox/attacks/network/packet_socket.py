"""Open a packet socket, to read all that passes the network card."""

import socket

with socket.socket(socket.AF_PACKET, socket.SOCK_RAW):
    print("succeeded: a packet socket is open", flush=True)

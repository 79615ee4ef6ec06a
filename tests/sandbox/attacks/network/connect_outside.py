"""Connect to a server on the Internet."""

import socket

with socket.create_connection(("1.1.1.1", 53), timeout=1.5):
    print("succeeded: connected", flush=True)

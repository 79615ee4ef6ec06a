"""Find a way to the Internet; a connected UDP socket needs a route and sends nothing."""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
    line.connect(("1.1.1.1", 53))
    print(f"succeeded: there is a way out from {line.getsockname()[0]}", flush=True)

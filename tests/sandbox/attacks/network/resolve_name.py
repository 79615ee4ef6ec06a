"""Ask the name server, which is enough to carry data out."""

import socket

address = socket.getaddrinfo("example.com", 443)[0][4]
print(f"succeeded: the answer is {address}", flush=True)

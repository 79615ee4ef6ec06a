"""Open a port in the host's network for others to come in."""

import json
import os
import socket
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

with socket.create_server(("127.0.0.1", 0)) as server:
    port = server.getsockname()[1]
    try:
        shared = os.readlink("/proc/self/ns/net") == TARGET["namespaces"]["net"]
    except OSError:
        shared = True
    print(f"succeeded: listens on {port}" if shared else "blocked: in a network of its own", flush=True)

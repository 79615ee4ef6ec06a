"""Talk to a server on the host over an abstract Unix socket, which has no file to protect it."""

import json
import socket
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

with socket.socket(socket.AF_UNIX) as line:
    line.settimeout(2)
    line.connect(f"\0{TARGET['abstract_socket']}")
    line.sendall(TARGET["mark"].encode())
    print(f"succeeded: the host answered {line.recv(16)!r}", flush=True)

"""Learn that a file of the host user's exists, and how large it is."""

import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

print(f"succeeded: the secret has {os.stat(TARGET['secret']).st_size} bytes", flush=True)

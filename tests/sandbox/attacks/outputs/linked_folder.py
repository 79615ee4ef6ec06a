"""Declare an output below a folder that is a link to the secret's."""

import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

os.symlink(Path(TARGET["secret"]).parent, "results")
print("blocked: unless the host followed the link", flush=True)

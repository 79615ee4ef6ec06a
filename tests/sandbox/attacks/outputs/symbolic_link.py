"""Declare a link to a secret file as output."""

import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

os.symlink(TARGET["secret"], "rows.jsonl")
print("blocked: unless the host followed the link", flush=True)

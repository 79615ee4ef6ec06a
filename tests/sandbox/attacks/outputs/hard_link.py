"""Declare a second name of a secret file as output."""

import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

os.link(TARGET["secret"], "rows.jsonl")
print("blocked: unless the host took the file", flush=True)

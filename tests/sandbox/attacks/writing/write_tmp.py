"""Leave a file in the machine's temporary folders."""
# ruff: noqa: S108

import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

for folder in ("/tmp", "/var/tmp"):
    path = Path(folder) / TARGET["mark"]
    path.touch()
    print(f"succeeded: made {path}", flush=True)

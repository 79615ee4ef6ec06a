"""Leave a file in the machine's configuration."""

import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

path = Path("/etc") / TARGET["mark"]
path.touch()
print(f"succeeded: made {path}", flush=True)

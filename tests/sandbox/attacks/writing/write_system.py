"""Leave a file among the machine's programs."""

import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

path = Path("/usr") / TARGET["mark"]
path.touch()
print(f"succeeded: made {path}", flush=True)

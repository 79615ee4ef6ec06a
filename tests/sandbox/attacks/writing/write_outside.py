"""Leave a file in a folder outside, which everybody may write."""

import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

path = Path(TARGET["outside"]) / TARGET["mark"]
path.touch()
print(f"succeeded: made {path}", flush=True)

"""Leave a file in the home folder of the host's user."""

import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

path = Path(TARGET["home"]) / f".{TARGET['mark']}"
path.touch()
print(f"succeeded: made {path}", flush=True)

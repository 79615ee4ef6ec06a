"""Put a forged package into the researcher's workspace."""

import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

path = Path(TARGET["workspace"]) / TARGET["mark"]
path.touch()
print(f"succeeded: made {path}", flush=True)

"""Leave a file beside the Python interpreter, from where it could be renamed over it."""

import json
import os
import sys
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

path = Path(os.path.realpath(sys.executable)).parent / TARGET["mark"]
path.touch()
print(f"succeeded: made {path}", flush=True)

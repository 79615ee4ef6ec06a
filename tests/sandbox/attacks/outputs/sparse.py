"""Leave an output that is as large as allowed at most on disk and a hundred times that to a reader."""

import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

os.close(os.open("rows.jsonl", os.O_CREAT | os.O_WRONLY))
os.truncate("rows.jsonl", 100 * TARGET["disk_bytes"])
print("blocked: unless the host took it", flush=True)

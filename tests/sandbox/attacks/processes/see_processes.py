"""See what the host runs, with its arguments."""

import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

command = Path(f"/proc/{TARGET['victim']}/cmdline").read_bytes()
print("succeeded: saw the victim's arguments" if b"sleep" in command else f"blocked: saw {command!r}", flush=True)

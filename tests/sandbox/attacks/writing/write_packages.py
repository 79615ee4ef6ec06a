"""Leave a .pth file among the installed packages, which every later Python would run (this one is a comment)."""

import json
import sysconfig
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

path = Path(sysconfig.get_path("purelib")) / f"{TARGET['mark']}.pth"
path.write_text("# planted\n")
print(f"succeeded: made {path}", flush=True)

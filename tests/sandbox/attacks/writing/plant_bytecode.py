"""Leave compiled code beside the library, from where Python would load it."""

import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

folder = Path(TARGET["library"]).parent / "__pycache__"
folder.mkdir(exist_ok=True)
path = folder / f"{TARGET['mark']}.pyc"
path.touch()
print(f"succeeded: made {path}", flush=True)

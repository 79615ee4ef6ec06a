"""Read the researcher's workspace, where the packages of other runs lie."""

import hashlib
import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

files = [path.read_bytes() for path in Path(TARGET["workspace"]).rglob("*") if path.is_file()]
found = any(hashlib.sha256(text).hexdigest() == TARGET["sha256"] for text in files)
print("succeeded: read the workspace" if found else f"blocked: {len(files)} files to see", flush=True)

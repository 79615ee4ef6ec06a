"""Read a file of the host user's that nobody else may read."""

import hashlib
import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

text = Path(TARGET["secret"]).read_bytes()
found = hashlib.sha256(text).hexdigest() == TARGET["sha256"]
print("succeeded: read the secret" if found else "blocked: another file is there", flush=True)

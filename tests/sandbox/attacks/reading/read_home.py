"""Read a key in the home folder of the host's user."""

import hashlib
import json
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

text = Path(TARGET["home_secret"]).read_bytes()
found = hashlib.sha256(text).hexdigest() == TARGET["sha256"]
print("succeeded: read the key" if found else "blocked: another file is there", flush=True)

"""Leave files for the next experiment wherever one may write, and look for what the last one left."""
# ruff: noqa: S108

import contextlib
import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
OWN = [os.environ[name] for name in ("HOME", "TMPDIR", "NUMBA_CACHE_DIR")]
FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/", ".", *OWN)

found = []
for folder in FOLDERS:
    path = Path(folder) / TARGET["mark"]
    with contextlib.suppress(OSError):
        if path.exists() and folder not in found:
            found.append(folder)
for folder in FOLDERS:
    with contextlib.suppress(OSError):
        (Path(folder) / TARGET["mark"]).touch()
print(f"succeeded: the last one's file is in {found}" if found else "blocked: nothing was left", flush=True)

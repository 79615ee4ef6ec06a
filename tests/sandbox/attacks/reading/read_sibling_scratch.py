"""Read the scratch folder of another job that runs in the same sandbox at the same time."""

import contextlib
import hashlib
import json
import time
from glob import glob
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
PLACES = (f"{TARGET['scratch_root']}/*/secret.txt", "../*/secret.txt", "/proc/[0-9]*/cwd/secret.txt")

found = ""
end = time.monotonic() + 1.5
while not found and time.monotonic() < end:
    for path in (path for place in PLACES for path in glob(place)):
        with contextlib.suppress(OSError):
            if hashlib.sha256(Path(path).read_bytes()).hexdigest() == TARGET["sha256"]:
                found = path
    time.sleep(0.02)
print(f"succeeded: read {found}" if found else "blocked: no scratch of the sibling to see", flush=True)

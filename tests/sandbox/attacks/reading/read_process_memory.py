"""Read the memory of the parent, the host and the victim through /proc, for keys."""

import hashlib
import json
import os
import re
import time
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
PATTERN = re.compile(b"EVIDENTIA-" + b"PLANTED-[0-9a-f]{32}")
STEP, OVERLAP = 2**22, 64
END = time.monotonic() + 4


def search(pid: int) -> bool:
    """Look for the secret in every writable piece of a process's memory."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            if line.split()[1].startswith("rw"):
                for offset in range(start, end, STEP):
                    memory.seek(offset)
                    try:
                        piece = memory.read(min(STEP + OVERLAP, end - offset))
                    except OSError:
                        break
                    if any(hashlib.sha256(text).hexdigest() == TARGET["sha256"] for text in PATTERN.findall(piece)):
                        return True
                    if time.monotonic() > END:
                        return False
    return False


found, refused = 0, "the secret is in none of them"
for pid in (TARGET["victim"], os.getppid(), TARGET["host"]):
    try:
        if search(pid):
            found = pid
    except OSError as error:
        refused = str(error)
print(f"succeeded: found the secret in process {found}" if found else f"blocked: {refused}", flush=True)

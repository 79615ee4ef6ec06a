"""Scan its own memory for what the host held when it started this process."""

import hashlib
import json
import re
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
PATTERN = re.compile(b"EVIDENTIA-" + b"PLANTED-[0-9a-f]{32}")

found, scanned = "", 0
with open("/proc/self/mem", "rb", buffering=0) as memory:
    for line in Path("/proc/self/maps").read_text().splitlines():
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        if line.split()[1].startswith("r"):
            try:
                memory.seek(start)
                piece = memory.read(end - start)
            except (OSError, OverflowError, ValueError):
                continue
            scanned += len(piece)
            if any(hashlib.sha256(text).hexdigest() == TARGET["sha256"] for text in PATTERN.findall(piece)):
                found = line
print(f"succeeded: found the secret in {found}" if found else f"blocked: it is not in {scanned} bytes", flush=True)

"""Change the compiled code that the next experiment loads."""

import contextlib
import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

written = []
for folder in (TARGET["cache"], os.environ.get("NUMBA_CACHE_DIR", "")):
    with contextlib.suppress(OSError):
        for path in [*Path(folder).rglob("index"), Path(folder) / TARGET["mark"]]:
            path.write_bytes(b"poison")
            written.append(str(path))
print(f"blocked: unless the host's cache changed; wrote {written}", flush=True)

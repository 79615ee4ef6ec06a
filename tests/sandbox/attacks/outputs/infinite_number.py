"""Report a number that is too large to be one."""

from pathlib import Path

Path("rows.jsonl").write_text('{"system": "lru", "seed": 0, "hit_rate": 1e999}\n')
print("blocked: unless the host reads it", flush=True)

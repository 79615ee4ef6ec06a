"""Report a row that says two things under one name."""

from pathlib import Path

Path("rows.jsonl").write_text('{"system": "lru", "seed": 0, "hit_rate": 0.1, "hit_rate": 0.9}\n')
print("blocked: unless the host reads it", flush=True)

"""Report a result that is not a number, so that no comparison with it is ever false."""

from pathlib import Path

Path("rows.jsonl").write_text('{"system": "lru", "seed": 0, "hit_rate": NaN}\n')
print("blocked: unless the host reads it", flush=True)

"""Report a row nested 100,000 levels deep, to exhaust the reader's stack."""

from pathlib import Path

Path("rows.jsonl").write_text('{"a":' * 100_000 + "1" + "}" * 100_000)
print("blocked: unless the host reads it or breaks", flush=True)

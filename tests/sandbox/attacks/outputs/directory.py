"""Leave a folder in the place of the output."""

import os

os.makedirs("rows.jsonl/rows.jsonl")
print("blocked: unless the host took it", flush=True)

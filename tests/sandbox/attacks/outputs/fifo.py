"""Leave a pipe in the place of the output, on which a reader waits without end."""

import os

os.mkfifo("rows.jsonl")
print("blocked: unless the host took it or waited", flush=True)

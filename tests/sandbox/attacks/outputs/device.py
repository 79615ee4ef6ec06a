"""Leave a device in the place of the output that never stops giving bytes."""

import os
import stat

os.mknod("rows.jsonl", stat.S_IFCHR | 0o600, os.makedev(1, 5))
print("blocked: unless the host took it", flush=True)

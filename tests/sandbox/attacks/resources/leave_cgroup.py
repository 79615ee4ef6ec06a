"""Open the files that move a process into another control group or raise a group's limits (nothing is written)."""

import os
from glob import glob

NAMES = ("cgroup.procs", "memory.max", "memory.limit_in_bytes", "pids.max")

found, refused = [], "there are no control groups to see"
for name in NAMES:
    for path in glob(f"/sys/fs/cgroup/{name}") + glob(f"/sys/fs/cgroup/*/{name}") + glob(f"/sys/fs/cgroup/*/*/{name}"):
        try:
            os.close(os.open(path, os.O_WRONLY))
            found.append(path)
        except OSError as error:
            refused = str(error)
print(f"succeeded: may write {found[0]}" if found else f"blocked: {refused}", flush=True)

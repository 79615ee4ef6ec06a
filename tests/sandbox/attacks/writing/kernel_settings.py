"""Open the kernel's settings for writing, all there are (nothing is written)."""

import os
from glob import glob

found, tried = [], 0
devices = [*glob("/sys/class/net/*/mtu"), "/sys/power/state", *glob("/sys/kernel/mm/*/enabled")]
settings = [os.path.join(folder, name) for folder, _, names in os.walk("/proc/sys") for name in names]
for path in (*devices, *settings):
    tried += 1
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        found.append(path)
    except OSError:
        continue
print(f"succeeded: may write {len(found)}, as {found[0]}" if found else f"blocked: none of {tried}", flush=True)

"""Open the kernel's core pattern for writing: what stands there runs as root (nothing is written)."""

import os

os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
print("succeeded: may write the core pattern", flush=True)

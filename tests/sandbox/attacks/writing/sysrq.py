"""Open the trigger that can restart the machine (nothing is written)."""

import os

os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))
print("succeeded: may write the trigger", flush=True)

"""Stop itself in the middle, so that it never ends."""

import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
print("blocked: somebody let it go on", flush=True)

"""Outlive the run as a daemon: fork twice, leave the session, the folder and the streams."""

import os
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.closerange(0, 256)
        time.sleep(30)
    os._exit(0)
os.wait()
time.sleep(0.1)
print("blocked: unless the daemon is found alive", flush=True)

"""Become root by a program that may, or be it already."""

import os
import re
import subprocess
from pathlib import Path

status = Path("/proc/self/status").read_text()
held = int(re.findall(r"CapEff:\s*([0-9a-f]+)", status)[0], 16)
gained = ""
if held:
    gained = f"holds the capabilities {held:x}"
for command in (["sudo", "-n", "id", "-u"], ["su", "-c", "id -u"]):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=3)
    except (OSError, subprocess.TimeoutExpired):
        continue
    if done.stdout.strip() == b"0" and os.getuid() != 0:
        gained = f"{command[0]} made it root"
print(f"succeeded: {gained}" if gained else "blocked: no capability, and no program gives one", flush=True)

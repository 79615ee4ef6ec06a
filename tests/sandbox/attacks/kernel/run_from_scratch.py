"""Run a program that was written into the scratch folder."""

import shutil
import subprocess
import sys

shutil.copy(shutil.which("true") or sys.executable, "program")
subprocess.run(["./program", "-V"], check=True, stdout=subprocess.DEVNULL)
print("succeeded: it ran", flush=True)

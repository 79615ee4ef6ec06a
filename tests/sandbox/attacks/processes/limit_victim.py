"""Set the limits of a process of the host's (to what they are, which proves the same)."""

import json
import resource
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

limits = resource.prlimit(TARGET["victim"], resource.RLIMIT_NOFILE)
resource.prlimit(TARGET["victim"], resource.RLIMIT_NOFILE, limits)
print("succeeded: set the victim's limits", flush=True)

"""Put a link to a folder of the host's in the place of the scratch folder, for the host to collect and remove."""

import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

here = os.getcwd()
os.rename(here, f"{here}-moved")
os.symlink(TARGET["decoy"], here)
print("blocked: unless the host followed the link", flush=True)

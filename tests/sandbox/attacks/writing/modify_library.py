"""Change the library that the next experiment imports (the file is opened for writing and left as it is)."""

import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

os.close(os.open(TARGET["library"], os.O_WRONLY | os.O_APPEND))
print("succeeded: may write the library", flush=True)

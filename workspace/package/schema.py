"""The published JSON Schema of ``manifest.json``: ``docs/schema/package-1.json``, generated from the model.

After a change of the model: ``python -m evidentia.workspace.package.schema > docs/schema/package-1.json``.
"""

from __future__ import annotations

import json
import sys

from evidentia.workspace.package.manifest import json_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Evidentia package manifest, version 1"


def published() -> bytes:
    """The text of the schema file; the same bytes for the same model."""
    schema = {**json_schema(), "$schema": DIALECT, "title": TITLE}
    return (json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    sys.stdout.buffer.write(published())

"""Read the password hashes of the machine."""

from pathlib import Path

lines = Path("/etc/shadow").read_text().splitlines()
print(f"succeeded: read {len(lines)} accounts" if lines else "blocked: the file is empty", flush=True)

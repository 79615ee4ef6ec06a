"""Fill the disk with files of a megabyte."""

from itertools import count
from pathlib import Path

for number in count():
    Path(f"junk-{number}").write_bytes(b"x" * 2**20)

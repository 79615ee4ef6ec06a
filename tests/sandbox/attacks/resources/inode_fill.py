"""Use up the file system's inodes with 30,000 empty files."""

import os

COUNT = 30_000

for number in range(COUNT):
    os.close(os.open(f"empty-{number}", os.O_CREAT | os.O_WRONLY))
print(f"succeeded: {COUNT} files were made", flush=True)

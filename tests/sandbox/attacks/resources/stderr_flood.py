"""Write gigabytes to standard error."""

import os

for _ in range(2**17):
    os.write(2, b"x" * 2**16)
print("succeeded: 8 GiB were taken", flush=True)

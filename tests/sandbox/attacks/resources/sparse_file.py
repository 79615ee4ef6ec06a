"""Make a file of a tebibyte that occupies nothing."""

import os

with open("giant", "wb") as file:
    file.truncate(2**40)
print(f"succeeded: a file of {os.stat('giant').st_size} bytes", flush=True)

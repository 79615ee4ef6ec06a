"""Change the root folder, from which there are known ways out."""

import os

os.chroot(".")
print("succeeded: has another root", flush=True)

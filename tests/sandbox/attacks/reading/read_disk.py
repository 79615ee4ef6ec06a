"""Read the disk itself, below all permissions, through a device node of its own making."""

import os
import stat

os.mknod("disk", stat.S_IFBLK | 0o600, os.stat("/").st_dev)
with open("disk", "rb") as disk:
    print(f"succeeded: read {len(disk.read(512))} bytes of the disk", flush=True)

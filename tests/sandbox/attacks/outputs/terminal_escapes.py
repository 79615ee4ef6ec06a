"""Take over the terminal of whoever reads the output: clear it, set its title, ask it to type."""

import sys

sys.stdout.buffer.write(b"\x1b[2J\x1b]0;owned\x07\x1b[6n\x9b31m\x00\xff\r\n")
print("blocked: unless the host changed a byte", flush=True)

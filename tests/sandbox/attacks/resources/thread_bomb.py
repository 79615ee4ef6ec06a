"""Start 400 threads that never end."""

import threading
import time

threading.stack_size(64 * 1024)
for _ in range(400):
    threading.Thread(target=time.sleep, args=(8,), daemon=True).start()
print(f"succeeded: {threading.active_count()} threads are alive", flush=True)

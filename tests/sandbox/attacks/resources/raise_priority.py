"""Get ahead of every other process: a negative nice value and real-time scheduling."""

import os

gained, refused = [], ""
for name, act in (
    ("nice -1", lambda: os.nice(-1)),
    ("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))),
):
    try:
        act()
        gained.append(name)
    except OSError as error:
        refused = str(error)
print(f"succeeded: gained {', '.join(gained)}" if gained else f"blocked: {refused}", flush=True)

"""Set the machine's clock (to what it is)."""

import time

time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME))
print("succeeded: the clock was set", flush=True)

"""Be an honest job beside an attack: hold something private for a while, then tell that all went well."""

import time

time.sleep(2)
print("undisturbed", flush=True)

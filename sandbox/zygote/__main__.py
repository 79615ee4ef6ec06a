"""Entry of the zygote's process: ``python -m evidentia.sandbox.zygote HANDLE``."""

import sys

from evidentia.sandbox.zygote.server import main

main(int(sys.argv[1]))

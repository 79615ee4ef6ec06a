"""``python -m evidentia``."""

from evidentia.cli import main

main()

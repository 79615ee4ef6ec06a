"""The process that keeps a private cluster: it ends when its input does, and the whole cluster with it.

``python -m evidentia.graph.executors.ray_cluster.keeper SLOTS FOLDER`` prints the cluster's address and waits. It is
started in a session of its own: Ctrl-C does not reach Ray's processes, and however the coordinator ends, they do.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys

_OBJECTS_BYTES = 256 * 1024**2


def main(slots: int, folder: str) -> None:
    """Start a cluster of so many processors in a folder, wait, and end it."""
    import ray

    try:
        ray.init(
            address="local",
            num_cpus=slots,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=_OBJECTS_BYTES,
            _temp_dir=folder,
        )
        print(ray.get_runtime_context().gcs_address, flush=True)
        sys.stdin.read()
        ray.shutdown()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

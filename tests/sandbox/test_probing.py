"""Folders of probes: gone with the probe, and with the next one where it was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from evidentia.sandbox.probing import probe_folder

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")


def test_the_folder_of_a_killed_probe_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = (
        "import os, signal, sys, tempfile\n"
        "from evidentia.sandbox.probing import probe_folder\n"
        "tempfile.tempdir = sys.argv[1]\n"
        "with probe_folder() as folder: (folder / 'left').touch(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", killed, str(tmp_path)]).returncode == -9
    (left,) = tmp_path.iterdir()
    living = tmp_path / f"evidentia-probe-{os.getppid()}-x"
    living.mkdir()
    (tmp_path / "of-others").mkdir()
    with probe_folder() as folder:
        assert not left.exists()
        assert set(tmp_path.iterdir()) == {folder, living, tmp_path / "of-others"}
    assert not folder.exists()

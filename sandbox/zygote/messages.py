"""Messages between the host and its zygote: JSON with descriptors, on pairs of Unix sockets nobody else holds."""

from __future__ import annotations

import array
import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LARGEST = 1 << 17
_MOST_HANDLES = 8
_CREDENTIALS = struct.Struct("3i")


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends that keep the bounds of messages."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: dict[str, Any], handles: Sequence[int] = ()) -> None:
    """Send one message. Raises OSError when the other side is gone."""
    extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", handles).tobytes())] if handles else []
    end.sendmsg([json.dumps(message).encode()], extra, socket.MSG_NOSIGNAL)


def receive(end: socket.socket) -> tuple[dict[str, Any], list[int], int]:
    """The next message, its descriptors, and the sender's pid where the socket tells it (else 0).

    Raises EOFError when the other side is gone.
    """
    space = socket.CMSG_SPACE(4 * _MOST_HANDLES) + socket.CMSG_SPACE(_CREDENTIALS.size)
    try:
        data, extra, _, _ = end.recvmsg(_LARGEST, space, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError as error:
        raise EOFError from error
    handles: list[int] = []
    sender = 0
    for level, kind, content in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            handles += array.array("i", content[: len(content) - len(content) % 4]).tolist()
        elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            sender = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]
    if not data:
        raise EOFError
    return json.loads(data), handles, sender

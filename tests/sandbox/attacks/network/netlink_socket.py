"""Talk to the kernel's network configuration."""

import socket

with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as line:
    line.bind((0, 0))
    print("succeeded: a netlink socket is open", flush=True)

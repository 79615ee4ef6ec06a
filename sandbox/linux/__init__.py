"""The Linux kernel's means of isolation, each a thin layer over its system calls; nothing here knows of jobs."""

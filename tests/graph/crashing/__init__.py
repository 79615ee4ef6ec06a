"""Killing real runs: a session that dies at a chosen instant, a supervisor that sees what it leaves, what must hold."""

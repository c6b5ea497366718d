"""The engine: one queue, one handler and their workers, for a command's run and for the daemon."""

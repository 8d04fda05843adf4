"""Streams: the log of an answer, the runner that writes it, the supervisor that owns it."""

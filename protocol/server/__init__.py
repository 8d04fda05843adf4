"""The server's side of one connection, without I/O: what may come in, what goes out, and when."""

from protocol.server.connection import Close, ServerConnection
from protocol.server.outbound import EventLog, Range, StreamLog

__all__ = ["Close", "EventLog", "Range", "ServerConnection", "StreamLog"]

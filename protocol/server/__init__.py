"""The server's side of one connection, without I/O: what may come in, what goes out, and when."""

from protocol.server.booking import Booking
from protocol.server.connection import Close, ServerConnection
from protocol.server.outbound import EventLog, Range, StreamLog

__all__ = ["Booking", "Close", "EventLog", "Range", "ServerConnection", "StreamLog"]

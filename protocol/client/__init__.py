"""The client side of the agreement, pure: what to send when, and what each frame means."""

from protocol.client.connection import ClientConnection
from protocol.client.dashboard import Dashboard
from protocol.client.notices import (
    Action,
    Answered,
    Close,
    Connect,
    Connected,
    Disconnected,
    Lost,
    Notice,
    Refreshed,
    Refused,
    Reset,
    Send,
    Stopped,
    Subscribed,
    Warned,
)
from protocol.client.outbox import OutboxFull

__all__ = [
    "Action",
    "Answered",
    "ClientConnection",
    "Close",
    "Connect",
    "Connected",
    "Dashboard",
    "Disconnected",
    "Lost",
    "Notice",
    "OutboxFull",
    "Refreshed",
    "Refused",
    "Reset",
    "Send",
    "Stopped",
    "Subscribed",
    "Warned",
]

"""The AI SDK's own socket (`WebSocketChatTransport` of the npm package `ai`), as the server sees it. Pure."""

from protocol.ai_sdk.connection import StockConnection
from protocol.ai_sdk.frames import FRAME_BYTES
from protocol.ai_sdk.requests import Action, Asked, Resumed, Stop

__all__ = ["FRAME_BYTES", "Action", "Asked", "Resumed", "StockConnection", "Stop"]

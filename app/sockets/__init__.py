"""The edge of the server: listening, the websocket protocol class, one driver a connection."""

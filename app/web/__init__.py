"""HTTP beside the socket: sessions, health, and the page."""

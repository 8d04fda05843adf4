"""The world around the agreement: sockets, streams, storage, models and the web."""

"""Tools: what a model may ask this server, or the person who asked it, to do."""

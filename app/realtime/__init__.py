"""The hub: which sockets a user has on this node, and the committed events that reach them."""

"""The backplane in Redis, for many nodes: one server, a Sentinel's master, or a Cluster."""

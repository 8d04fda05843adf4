"""What nodes share beside the database: the journal of running answers, and the news between nodes."""

"""Models: one interface, an offline demo model and Anthropic's Messages API."""

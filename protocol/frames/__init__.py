"""Every frame and object of `tidewire.v1` as a typed struct; the JSON Schema is generated from these."""

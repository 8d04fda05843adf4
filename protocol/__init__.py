"""The agreement: the wire protocol `tidewire.v1` as pure rules, without I/O, await or clock."""

"""The verbs of the product: one handler for each command of the wire, whoever sends it."""

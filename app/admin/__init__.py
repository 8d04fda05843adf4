"""Commands for whoever runs a server; they work on its database, whether the server runs or not."""

"""Rules of who may do what: credentials, tokens, origins, addresses. Where they are stored is not known here."""

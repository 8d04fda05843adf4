"""Rules of who may do what: tokens, cookies, origins, addresses. Pure; where they are stored is not known here."""

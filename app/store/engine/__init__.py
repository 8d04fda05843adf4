"""The database engine: `databases` made safe under cancellation, on SQLite and PostgreSQL alike."""

from app.store.engine.backend import Row
from app.store.engine.database import Database, Transaction, Values
from app.store.engine.url import Dialect, StoreURL, parse_url

__all__ = ["Database", "Dialect", "Row", "StoreURL", "Transaction", "Values", "parse_url"]

"""Store facts in a database. Importing this package imports SQLAlchemy, so the window imports it after first paint."""

from app.persistence.errors import StoreUnusable
from app.persistence.repositories import NotFound, Repositories
from app.persistence.store import Store, open_store

__all__ = ["NotFound", "Repositories", "Store", "StoreUnusable", "open_store"]

"""The database of facts. Importing this package imports SQLAlchemy: the window does so after its first paint."""

from app.persistence.errors import StoreUnusable
from app.persistence.repositories import NotFound, Repositories
from app.persistence.store import Store, open_store

__all__ = ["NotFound", "Repositories", "Store", "StoreUnusable", "open_store"]

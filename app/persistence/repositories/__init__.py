"""Provide one small class per kind of record; services access the database through these alone."""

from contextlib import AbstractContextManager

from app.persistence.repositories.base import Connection, NotFound
from app.persistence.repositories.jobs import Artifacts, Exports, Jobs, RememberedValues
from app.persistence.repositories.latencies import Latencies, Looks
from app.persistence.repositories.records import Records
from app.persistence.repositories.runs import Projects, Runs, Variants


class Repositories:
    """All repositories on one connection; owned by the store."""

    def __init__(self, connection: Connection) -> None:
        """Create all repositories on `connection`."""
        self._connection = connection
        self.projects = Projects(connection)
        self.runs = Runs(connection)
        self.variants = Variants(connection)
        self.latencies = Latencies(connection)
        self.jobs = Jobs(connection)
        self.exports = Exports(connection)
        self.records = Records(connection)
        self.looks = Looks(connection)
        self.settings = RememberedValues(connection)
        self.artifacts = Artifacts(connection)

    def together(self) -> AbstractContextManager[None]:
        """Write everything inside as one transaction; raises `StoreUnusable` at its end."""
        return self._connection.together()


__all__ = ["Connection", "NotFound", "Repositories"]

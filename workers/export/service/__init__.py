"""The target *Service*: the Python bundle with a server that answers requests over HTTP."""

from workers.export.service.target import TARGET

__all__ = ["TARGET"]

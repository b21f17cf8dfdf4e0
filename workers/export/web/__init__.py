"""The target *Web page*: a folder whose `index.html` runs the model in any browser, opened by double click."""

from workers.export.web.target import TARGET

__all__ = ["TARGET"]

"""Alembic's scripts. A new one gets the next number and is added to `app.persistence.revisions.KNOWN`."""

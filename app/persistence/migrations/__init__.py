"""Hold the scripts of Alembic. A new one gets the next number and is added to `app.persistence.revisions.KNOWN`."""

"""Run by Alembic. The connection comes from `app.persistence.migrate`, in a transaction that is already open."""

from alembic import context

from app.persistence.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

"""Run the migrations for Alembic on the connection and open transaction of `app.persistence.migrate`."""

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

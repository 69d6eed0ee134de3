"""How Alembic runs here: on the connection that the service hands over."""

from alembic import context

from sluiceway.store import access_schema

context.configure(
    connection=context.config.attributes["connection"], target_metadata=access_schema.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()

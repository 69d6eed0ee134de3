"""How Alembic runs here: on the connection that the service hands over."""

from alembic import context

from sluiceway.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

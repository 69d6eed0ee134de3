"""Savepoints that somebody has registered, which no run of ours may have made, and those that are to be kept"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("savepoints", table_kwargs={"sqlite_autoincrement": True}) as savepoints:
        savepoints.alter_column("run_id", existing_type=sa.BigInteger(), nullable=True)
        savepoints.add_column(sa.Column("kind", sa.Text(), nullable=False, server_default="savepoint"))
        savepoints.add_column(sa.Column("registered_at", sa.BigInteger(), nullable=True))
        savepoints.add_column(sa.Column("protected", sa.Boolean(), nullable=False, server_default=sa.text("0")))
        savepoints.add_column(sa.Column("protected_until", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM savepoints WHERE run_id IS NULL")
    with op.batch_alter_table("savepoints", table_kwargs={"sqlite_autoincrement": True}) as savepoints:
        for name in ("protected_until", "protected", "registered_at", "kind"):
            savepoints.drop_column(name)
        savepoints.alter_column("run_id", existing_type=sa.BigInteger(), nullable=False)

"""Savepoints of running jobs, and the savepoint that a job is to be resumed from because somebody says so"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPEN = sa.text("phase IN ('checking', 'overdue', 'sent', 'waiting')")


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("flink_job_id", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("doubt_since", sa.BigInteger(), nullable=True),
        sa.Column("forgotten_since", sa.BigInteger(), nullable=True),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("savepoint_path", sa.Text(), nullable=True),
        sa.Column("savepoint_size", sa.BigInteger(), nullable=True),
        sa.Column("verified", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("one_snapshot_at_a_time", "snapshots", ["flink_job_id"], unique=True, sqlite_where=OPEN)
    op.create_index("snapshots_to_do", "snapshots", ["cluster"], sqlite_where=OPEN)
    op.create_index("snapshots_of_run", "snapshots", ["run_id"])
    op.add_column("jobs", sa.Column("snapshot_id", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("chosen_savepoint", sa.Text(), nullable=True))
    with op.batch_alter_table("savepoints", table_kwargs={"sqlite_autoincrement": True}) as savepoints:
        savepoints.alter_column("stop_id", existing_type=sa.BigInteger(), nullable=True)
        savepoints.add_column(sa.Column("snapshot_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM savepoints WHERE stop_id IS NULL")
    with op.batch_alter_table("savepoints", table_kwargs={"sqlite_autoincrement": True}) as savepoints:
        savepoints.drop_column("snapshot_id")
        savepoints.alter_column("stop_id", existing_type=sa.BigInteger(), nullable=False)
    op.drop_column("jobs", "chosen_savepoint")
    op.drop_column("jobs", "snapshot_id")
    op.drop_table("snapshots")

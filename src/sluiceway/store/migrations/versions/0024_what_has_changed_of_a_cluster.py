"""What has changed of a cluster's rows, counted by triggers: whoever watches it reads them anew only then"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLES = ("runs", "stops", "snapshots")
COUNT = "INSERT INTO changes (cluster, number) VALUES ({of}.cluster, 1) ON CONFLICT DO UPDATE SET number = number + 1;"
# A job tells which of its runs is the present one, and which stop and savepoint are its latest.
LINKS = " OR ".join(f"OLD.{link} IS NOT NEW.{link}" for link in ("run_id", "stop_id", "snapshot_id"))
OF_JOBS = (
    "INSERT INTO changes (cluster, number) SELECT DISTINCT runs.cluster, 1 FROM runs"
    " WHERE runs.id IN (OLD.run_id, NEW.run_id) ON CONFLICT DO UPDATE SET number = number + 1;"
)


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cluster"),
    )
    for table in TABLES:
        for what in ("INSERT", "UPDATE"):
            name = f"{table}_count_{what.lower()}"
            op.execute(f"CREATE TRIGGER {name} AFTER {what} ON {table} BEGIN {COUNT.format(of='NEW')} END")
    op.execute(
        f"CREATE TRIGGER jobs_count_links AFTER UPDATE OF run_id, stop_id, snapshot_id ON jobs WHEN {LINKS}"
        f" BEGIN {OF_JOBS} END"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER jobs_count_links")
    for table in TABLES:
        for what in ("insert", "update"):
            op.execute(f"DROP TRIGGER {table}_count_{what}")
    op.drop_table("changes")

"""A savepoint of a running job is a save: its table, links, indexes and triggers bear that name"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

OPEN = "phase IN ('checking', 'overdue', 'sent', 'waiting')"
COUNT = "INSERT INTO changes (cluster, number) VALUES (NEW.cluster, 1) ON CONFLICT DO UPDATE SET number = number + 1;"
INDEXES = (
    ("UNIQUE INDEX one_{one}_at_a_time", f"(flink_job_id) WHERE {OPEN}"),
    ("INDEX {many}_to_do", f"(cluster) WHERE {OPEN}"),
    ("INDEX {many}_of_run", "(run_id)"),
)


def upgrade() -> None:
    _rename("snapshot", "save")


def downgrade() -> None:
    _rename("save", "snapshot")


def _rename(old: str, new: str) -> None:
    """SQLite renames tables and columns inside triggers and indexes too, but not these themselves."""
    op.rename_table(f"{old}s", f"{new}s")
    for table in ("jobs", "savepoints"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old}_id TO {new}_id")
    for name, columns in INDEXES:
        op.execute(f"DROP INDEX {_index(name, old).rpartition(' ')[2]}")
        op.execute(f"CREATE {_index(name, new)} ON {new}s {columns}")
    for what in ("INSERT", "UPDATE"):
        op.execute(f"DROP TRIGGER {old}s_count_{what.lower()}")
        op.execute(f"CREATE TRIGGER {new}s_count_{what.lower()} AFTER {what} ON {new}s BEGIN {COUNT} END")


def _index(name: str, what: str) -> str:
    return name.format(one=what, many=f"{what}s")

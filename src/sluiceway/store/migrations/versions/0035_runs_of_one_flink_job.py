"""A Flink job id names a job of one cluster, and may come again there: several runs may bear it"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

LIVE_OR_LOST = "phase IN ('accepted', 'submitting', 'running', 'lost')"
OPEN = {
    "stop": "phase IN ('waiting', 'sent', 'ending', 'overdue')",
    "save": "phase IN ('checking', 'overdue', 'sent', 'waiting')",
}


def upgrade() -> None:
    op.execute("DROP INDEX IF EXISTS runs_of_flink_job")
    _without("UNIQUE (flink_job_id)")
    op.execute("CREATE INDEX runs_by_flink_job ON runs (flink_job_id, cluster)")
    op.execute(f"CREATE UNIQUE INDEX one_run_at_a_time ON runs (cluster, flink_job_id) WHERE {LIVE_OR_LOST}")
    for one in OPEN:
        _one_at_a_time(one, "cluster, flink_job_id")


def downgrade() -> None:
    """Raises `IntegrityError` where a Flink job id has come again: the version before cannot tell its runs apart."""
    op.execute("DROP INDEX runs_by_flink_job")
    op.execute("DROP INDEX one_run_at_a_time")
    op.execute("CREATE UNIQUE INDEX runs_of_flink_job ON runs (flink_job_id)")
    for one in OPEN:
        _one_at_a_time(one, "flink_job_id")


def _without(constraint: str) -> None:
    """SQLite drops no constraint: the table is made anew, with all that belongs to it as it is stored."""
    connection = op.get_bind()
    stored = list(connection.execute(sa.text("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql NOT NULL")))
    [table] = [part.sql for part in stored if (part.type, part.name) == ("table", "runs")]
    before, found, after = (part.rstrip() for part in table.partition(constraint))
    if not found:
        return
    triggers = [part for part in stored if part.type == "trigger" and "runs" in part.sql]  # those of other tables, too
    indexes = [part for part in stored if part.type == "index" and part.tbl_name == "runs"]
    last = connection.execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'runs'")).scalar()
    for part in triggers:
        op.execute(f"DROP TRIGGER {part.name}")
    head, _, columns = f"{before.removesuffix(',')}{after}".partition("(")
    connection.exec_driver_sql(f"{head.replace('runs', 'runs_anew')}({columns}")
    op.execute("INSERT INTO runs_anew SELECT * FROM runs")
    op.execute("DROP TABLE runs")
    op.rename_table("runs_anew", "runs")
    if last is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'runs'")
        op.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('runs', :last)").bindparams(last=last))
    for part in (*indexes, *triggers):
        connection.exec_driver_sql(part.sql)


def _one_at_a_time(one: str, columns: str) -> None:
    op.execute(f"DROP INDEX one_{one}_at_a_time")
    op.execute(f"CREATE UNIQUE INDEX one_{one}_at_a_time ON {one}s ({columns}) WHERE {OPEN[one]}")

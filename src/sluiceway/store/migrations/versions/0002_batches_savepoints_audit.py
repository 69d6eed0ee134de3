"""Policies, waves and limits of batches, tags of jobs, the catalogue of savepoints, and events that nobody can change"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW_COLUMNS: dict[str, list[sa.Column[object]]] = {
    "runs": [
        sa.Column("held", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("wave", sa.Integer(), server_default=sa.text("0"), nullable=False),
    ],
    "batches": [
        sa.Column("who", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("state_why", sa.Text(), server_default="", nullable=False),
        sa.Column("max_parallel", sa.Integer(), nullable=True),
        sa.Column("abort_failures", sa.Integer(), nullable=True),
        sa.Column("abort_share", sa.Float(), nullable=True),
    ],
    "rejoined": [sa.Column("wave", sa.Integer(), server_default=sa.text("0"), nullable=False)],
    "stops": [
        sa.Column("policy", sa.Text(), server_default="{}", nullable=False),
        sa.Column("wave", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("abandoned", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("foreign_savepoint", sa.Text(), nullable=True),
        sa.Column("checkpoint_path", sa.Text(), nullable=True),
    ],
    "events": [sa.Column("who", sa.Text(), server_default="", nullable=False)],
}

OLD_SAVEPOINTS = """
    INSERT INTO savepoints (project, job_id, run_id, stop_id, batch_id, path, size, format, drained, flink_version,
                            reason, created_at, verified_at)
    SELECT jobs.project, stops.job_id, stops.run_id, stops.id, stops.batch_id, stops.savepoint_path,
           stops.savepoint_size, 'canonical', 0, '', coalesce(batches.reason, ''), stops.settled_at, NULL
    FROM stops JOIN jobs ON jobs.id = stops.job_id LEFT JOIN batches ON batches.id = stops.batch_id
    WHERE stops.savepoint_path IS NOT NULL AND stops.phase = 'stopped' ORDER BY stops.id
"""

OLD_EVENTS = """
    UPDATE events SET project = (SELECT project FROM jobs WHERE jobs.id = events.job_id),
                      batch_id = coalesce(batch_id, (SELECT batch_id FROM stops WHERE stops.id = events.stop_id))
    WHERE project IS NULL
"""


def upgrade() -> None:
    for table, columns in NEW_COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "job_tags",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "key"),
    )
    op.create_index("jobs_by_tag", "job_tags", ["key", "value", "job_id"])
    op.create_table(
        "answers",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "key"),
    )
    op.create_index("answers_by_time", "answers", ["created_at"])
    _create_savepoints()
    op.create_index("runs_of_batch", "runs", ["batch_id"], sqlite_where=sa.text("batch_id IS NOT NULL"))
    op.create_index("stops_of_run", "stops", ["run_id"])
    op.create_index("events_of_project", "events", ["project", "id"])
    op.create_index("events_of_stop", "events", ["stop_id", "id"])
    op.execute(OLD_EVENTS)
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER events_refuse_{what.lower()} BEFORE {what} ON events"
            " BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END"
        )


def _create_savepoints() -> None:
    op.create_table(
        "savepoints",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("stop_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("drained", sa.Boolean(), nullable=False),
        sa.Column("flink_version", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.Text(), server_default="", nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("savepoints_by_time", "savepoints", ["project", "id"])
    op.create_index("savepoints_of_job", "savepoints", ["job_id", "id"])
    op.execute(OLD_SAVEPOINTS)


def downgrade() -> None:
    for what in ("update", "delete"):
        op.execute(f"DROP TRIGGER events_refuse_{what}")
    for table in ("savepoints", "answers", "job_tags"):
        op.drop_table(table)
    for table, index in (
        ("runs", "runs_of_batch"),
        ("stops", "stops_of_run"),
        ("events", "events_of_project"),
        ("events", "events_of_stop"),
    ):
        op.drop_index(index, table)
    for table, columns in NEW_COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name)

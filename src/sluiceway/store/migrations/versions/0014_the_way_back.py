"""The time zone of runs, savepoints by their paths, plans, and what becomes of a job after a failure"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# What DLI's API has kept as shown is now a part of what the job should do.
_FILL = """
UPDATE specs SET spec = json_set(
  spec,
  '$.resume_checkpoint', json(CASE WHEN json_extract(config, '$.resume_checkpoint') THEN 'true' ELSE 'false' END),
  '$.checkpoint_path', json_extract(config, '$.checkpoint_path'))
WHERE json_extract(config, '$.resume_checkpoint') OR json_extract(config, '$.checkpoint_path') IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("runs", sa.Column("zone", sa.Text(), nullable=True))
    op.create_index("savepoints_by_path", "savepoints", ["path"])
    op.add_column("batches", sa.Column("plan_id", sa.BigInteger(), nullable=True))
    op.add_column("batches", sa.Column("planned_by", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "plans",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("jobs", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("plans_by_time", "plans", ["project", "id"])
    op.execute(_FILL)


def downgrade() -> None:
    op.drop_index("plans_by_time", "plans")
    op.drop_table("plans")
    op.drop_column("batches", "planned_by")
    op.drop_column("batches", "plan_id")
    op.drop_index("savepoints_by_path", "savepoints")
    op.drop_column("runs", "zone")

"""Indexes by which it is found who needs a savepoint; choices that their jobs have outlived are forgotten"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("jobs_by_savepoint", "jobs", ["savepoint_path"], sqlite_where=sa.text("savepoint_path IS NOT NULL"))
    op.create_index("runs_by_restore", "runs", ["restore"], sqlite_where=sa.text("restore IS NOT NULL"))
    op.execute("UPDATE jobs SET chosen_savepoint = NULL WHERE chosen_savepoint <> savepoint_path")


def downgrade() -> None:
    op.drop_index("runs_by_restore", "runs")
    op.drop_index("jobs_by_savepoint", "jobs")

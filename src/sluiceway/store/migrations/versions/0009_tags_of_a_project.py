"""Tags know the project of their job, and go with it, so that jobs are counted by the index of tags alone"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("jobs_by_tag", "job_tags")
    op.execute("DELETE FROM job_tags WHERE job_id NOT IN (SELECT id FROM jobs WHERE deleted_at IS NULL)")
    op.rename_table("job_tags", "job_tags_before")
    op.create_table(
        "job_tags",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "key"),
    )
    op.execute(
        "INSERT INTO job_tags SELECT job_id, key, value, project FROM job_tags_before JOIN jobs ON jobs.id = job_id"
    )
    op.drop_table("job_tags_before")
    op.create_index("jobs_by_tag", "job_tags", ["project", "key", "value", "job_id"])


def downgrade() -> None:
    op.drop_index("jobs_by_tag", "job_tags")
    op.drop_column("job_tags", "project")
    op.create_index("jobs_by_tag", "job_tags", ["key", "value", "job_id"])

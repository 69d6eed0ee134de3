"""What jobs were when they ran, where they have been changed since"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Before this version nothing was kept, so of these runs nobody knows: the latest one of a job that was changed since,
_CHANGED_SINCE = """
INSERT INTO past_specs (run_id, job_id, spec)
SELECT runs.id, runs.job_id, NULL FROM runs JOIN jobs ON jobs.id = runs.job_id
WHERE runs.id = (SELECT MAX(latest.id) FROM runs latest WHERE latest.job_id = runs.job_id)
AND jobs.updated_at >= runs.created_at
"""
# and those before it.
_EARLIER = """
INSERT INTO past_specs (run_id, job_id, spec)
SELECT MAX(runs.id), runs.job_id, NULL FROM runs
WHERE runs.id < (SELECT MAX(latest.id) FROM runs latest WHERE latest.job_id = runs.job_id)
GROUP BY runs.job_id
"""


def upgrade() -> None:
    op.create_table(
        "past_specs",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("past_specs_of_job", "past_specs", ["job_id", "run_id"])
    op.execute(_CHANGED_SINCE)
    op.execute(_EARLIER)


def downgrade() -> None:
    op.drop_index("past_specs_of_job", "past_specs")
    op.drop_table("past_specs")

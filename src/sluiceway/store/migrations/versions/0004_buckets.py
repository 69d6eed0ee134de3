"""The bucket that a job's state goes to, and where each run's checkpoints are"""

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As in storage/files.py when this was written; buckets that were kept until now were never looked at.
BUCKET = r"(?!.*(\.\.|\.-|-\.))(?!jobs$)[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("bucket", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("checkpoints", sa.Text(), nullable=True))
    specs = sa.table("specs", sa.column("job_id"), sa.column("config"))
    jobs = sa.table("jobs", sa.column("id"), sa.column("bucket"))
    connection = op.get_bind()
    for job_id, config in connection.execute(sa.select(specs.c.job_id, specs.c.config)).fetchall():
        bucket = json.loads(config).get("obs_bucket")
        if isinstance(bucket, str) and re.fullmatch(BUCKET, bucket):
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(bucket=bucket))


def downgrade() -> None:
    op.drop_column("runs", "checkpoints")
    op.drop_column("jobs", "bucket")

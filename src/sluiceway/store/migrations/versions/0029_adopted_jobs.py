"""Jobs that nobody made here, by the names that Flink has them under"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("adopted_as", sa.Text(), nullable=True))
    live = sa.text("deleted_at IS NULL AND adopted_as IS NOT NULL")
    op.create_index("jobs_by_adoption", "jobs", ["cluster", "adopted_as"], sqlite_where=live)


def downgrade() -> None:
    op.drop_index("jobs_by_adoption", "jobs")
    op.drop_column("jobs", "adopted_as")

"""Templates of jobs, and an index for each filter of a list of jobs"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PRESENT = sa.text("deleted_at IS NULL")
BY_QUEUE = [sa.text("project"), sa.text("coalesce(queue, cluster)"), sa.text("id")]


def upgrade() -> None:
    op.create_table(
        "templates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("desc", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sql", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("templates_by_name", "templates", ["project", "name"], unique=True)
    op.drop_index("jobs_by_time", "jobs")
    op.create_index("jobs_by_time", "jobs", ["project", "id", "name"], sqlite_where=PRESENT)
    op.create_index("jobs_by_kind", "jobs", ["project", "kind", "id"], sqlite_where=PRESENT)
    op.create_index("jobs_by_user", "jobs", ["project", "user", "id"], sqlite_where=PRESENT)
    op.create_index("jobs_by_queue", "jobs", BY_QUEUE, sqlite_where=PRESENT)


def downgrade() -> None:
    for index in ("jobs_by_queue", "jobs_by_user", "jobs_by_kind", "jobs_by_time"):
        op.drop_index(index, "jobs")
    op.create_index("jobs_by_time", "jobs", ["project", "id"], sqlite_where=PRESENT)
    op.drop_table("templates")

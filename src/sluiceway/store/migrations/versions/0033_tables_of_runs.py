"""What each run reads and writes"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_tables",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("sinks", sa.Text(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )


def downgrade() -> None:
    op.drop_table("run_tables")

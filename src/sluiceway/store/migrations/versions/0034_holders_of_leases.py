"""Leases that last as long as their holder renews its own row"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "holders",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner"),
    )
    op.drop_column("leases", "until")


def downgrade() -> None:
    op.add_column("leases", sa.Column("until", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.drop_table("holders")

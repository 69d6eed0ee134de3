"""Since when variables have their values"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("variables", sa.Column("after_run", sa.BigInteger(), nullable=False, server_default="0"))
    # Which values the runs had that are there is not known.
    op.execute("UPDATE variables SET after_run = (SELECT coalesce(max(id), 0) FROM runs)")


def downgrade() -> None:
    op.drop_column("variables", "after_run")

"""Where Flink says that a stop's savepoint lies, kept before anything else is asked"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stops", sa.Column("claim", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("stops", "claim")

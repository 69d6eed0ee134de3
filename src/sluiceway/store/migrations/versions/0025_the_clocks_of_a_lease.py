"""By which clocks the deadlines of a cluster are right: whoever takes its lease next sees whether the wall clock jumped"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("leases", sa.Column("clock_offset", sa.BigInteger(), nullable=True))
    op.add_column("leases", sa.Column("boot", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("leases", "boot")
    op.drop_column("leases", "clock_offset")

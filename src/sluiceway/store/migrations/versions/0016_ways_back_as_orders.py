"""Ways back are orders of their own, with a pace and a bound; and an order may retry what failed of another"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

OF_BATCHES = ("kind", "source_id", "policy", "target", "retry_of", "story", "pace", "park_after", "park_restarts")
INDEXES = {"batches_of_source": "source_id", "batches_of_story": "story"}


def upgrade() -> None:
    op.add_column("batches", sa.Column("kind", sa.Text(), server_default="stop", nullable=False))
    for column in ("policy", "target"):
        op.add_column("batches", sa.Column(column, sa.Text(), nullable=True))
    for column in ("source_id", "retry_of", "story"):
        op.add_column("batches", sa.Column(column, sa.BigInteger(), nullable=True))
    op.add_column("batches", sa.Column("pace", sa.Integer(), nullable=True))
    op.add_column("batches", sa.Column("park_after", sa.BigInteger(), nullable=True))
    op.add_column("batches", sa.Column("park_restarts", sa.Integer(), nullable=True))
    for index, column in INDEXES.items():
        op.create_index(index, "batches", [column], sqlite_where=sa.text(f"{column} IS NOT NULL"))
    op.add_column("runs", sa.Column("released_at", sa.BigInteger(), nullable=True))
    op.add_column("runs", sa.Column("falters_since", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "falters_since")
    op.drop_column("runs", "released_at")
    for index in INDEXES:
        op.drop_index(index, "batches")
    for column in reversed(OF_BATCHES):
        op.drop_column("batches", column)

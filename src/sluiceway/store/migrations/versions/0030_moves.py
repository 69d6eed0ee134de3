"""Moves: stops that say where their jobs are started then, and what could not be started there"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "moves",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("back", sa.Text(), nullable=False),
        sa.Column("allow", sa.Text(), nullable=False),
        sa.Column("stop_id", sa.BigInteger(), nullable=True),
        sa.Column("resume_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("moves_by_time", "moves", ["project", "id"])
    op.create_index("moves_to_do", "moves", ["id"], sqlite_where=sa.text("done_at IS NULL"))
    op.create_table(
        "move_refusals",
        sa.Column("move_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("job_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("passing", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.add_column("batches", sa.Column("move_id", sa.BigInteger(), nullable=True))
    op.create_index("batches_of_move", "batches", ["move_id"], sqlite_where=sa.text("move_id IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("batches_of_move", "batches")
    op.drop_column("batches", "move_id")
    op.drop_table("move_refusals")
    op.drop_table("moves")

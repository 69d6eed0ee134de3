"""How runs fare beside their status, and savepoints of runs that never proved their state"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("note", sa.Text(), server_default="", nullable=False))
    op.add_column("runs", sa.Column("condition", sa.Text(), server_default="unknown", nullable=False))
    op.add_column("runs", sa.Column("condition_since", sa.BigInteger(), nullable=True))
    op.add_column("runs", sa.Column("unwell", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    op.add_column("runs", sa.Column("ailment", sa.Text(), server_default="", nullable=False))
    op.add_column("runs", sa.Column("proof", sa.Text(), server_default="unknown", nullable=False))
    op.add_column("runs", sa.Column("up_at", sa.BigInteger(), nullable=True))
    op.add_column("stops", sa.Column("idle_since", sa.BigInteger(), nullable=True))
    for table in ("stops", "snapshots", "savepoints"):
        op.add_column(table, sa.Column("unproven", sa.Text(), server_default="", nullable=False))
    ails = sa.text("condition IN ('no_slots', 'restarting')")
    op.create_index("runs_that_ail", "runs", ["job_id"], sqlite_where=ails)
    # What ran already counted as back.
    op.execute("UPDATE runs SET up_at = started_at WHERE phase = 'running'")


def downgrade() -> None:
    op.drop_index("runs_that_ail", "runs")
    for table in ("savepoints", "snapshots", "stops"):
        op.drop_column(table, "unproven")
    op.drop_column("stops", "idle_since")
    for column in ("up_at", "proof", "ailment", "unwell", "condition_since", "condition", "note"):
        op.drop_column("runs", column)

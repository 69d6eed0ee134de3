"""Savepoints have a format each, chosen by how their run keeps its state; runs may own what they were restored from"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ADDED = (
    ("runs", "traits", sa.Text(), None),
    ("runs", "claims", sa.Boolean(), sa.text("0")),
    ("stops", "format", sa.Text(), None),
    ("stops", "format_why", sa.Text(), ""),
    ("stops", "stable_since", sa.BigInteger(), None),
    ("stops", "restarted", sa.Text(), ""),
    ("snapshots", "wish", sa.Text(), None),
    ("snapshots", "format", sa.Text(), None),
    ("snapshots", "format_why", sa.Text(), ""),
    ("snapshots", "stable_since", sa.BigInteger(), None),
    ("savepoints", "format_why", sa.Text(), ""),
)


def upgrade() -> None:
    for table, name, kind, default in ADDED:
        op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    # Until now canonical was what nobody had asked for, too, and all that was sent had the format that it was asked in.
    op.execute(
        "UPDATE stops SET format = coalesce(json_extract(policy, '$.format'), 'canonical') "
        "WHERE savepoint AND (sent_at IS NOT NULL OR savepoint_path IS NOT NULL)"
    )
    op.execute("UPDATE snapshots SET format = 'canonical' WHERE sent_at IS NOT NULL OR savepoint_path IS NOT NULL")
    op.execute(
        "UPDATE stops SET policy = json_remove(policy, '$.format') "
        "WHERE settled_at IS NULL AND json_extract(policy, '$.format') = 'canonical'"
    )


def downgrade() -> None:
    for table, name, _, _ in reversed(ADDED):
        op.drop_column(table, name)

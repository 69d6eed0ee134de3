"""Clusters that people register, and what was seen of each; a trigger counts their changes, as of what is watched"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# No cluster can have this name.
COUNT = "INSERT INTO changes (cluster, number) VALUES ('*', 1) ON CONFLICT DO UPDATE SET number = number + 1;"


def upgrade() -> None:
    op.create_table(
        "clusters",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("projects", sa.Text(), nullable=False),
        sa.Column("max_savepoints", sa.Integer()),
        sa.Column("draining", sa.Boolean(), nullable=False, server_default=sa.text("0")),
        sa.Column("guards", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text()),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger()),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sqlite_autoincrement=True,
    )
    op.create_index("clusters_by_name", "clusters", ["name"], unique=True, sqlite_where=sa.text("removed_at IS NULL"))
    for what in ("INSERT", "UPDATE"):
        op.execute(f"CREATE TRIGGER clusters_count_{what.lower()} AFTER {what} ON clusters BEGIN {COUNT} END")
    op.create_table(
        "cluster_health",
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("answers", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("flink_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cluster"),
    )


def downgrade() -> None:
    op.drop_table("cluster_health")
    for what in ("insert", "update"):
        op.execute(f"DROP TRIGGER clusters_count_{what}")
    op.drop_table("clusters")

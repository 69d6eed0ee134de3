"""Tokens know the one that began their exchanges, and resources have tags"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", sa.Column("root", sa.Text(), nullable=True))
    op.create_index("tokens_of_root", "tokens", ["root"])
    op.create_table(
        "resource_tags",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project", "group_name", "name", "key"),
    )


def downgrade() -> None:
    op.drop_table("resource_tags")
    op.drop_index("tokens_of_root", "tokens")
    op.drop_column("tokens", "root")

"""An index of events by who caused them, so that one caller's are found without a look at all others"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("events_of_who", "events", ["project", "who", "id"], sqlite_where=sa.text("who <> ''"))


def downgrade() -> None:
    op.drop_index("events_of_who", table_name="events")

"""what an alarm was raised against, and when a lasting change was accepted as the new usual."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alarms", sa.Column("reference", sa.JSON(), nullable=True))
    op.add_column("alarms", sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("alarms", "accepted_at")
    op.drop_column("alarms", "reference")

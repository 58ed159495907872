"""the queue of runs, how a run's process ended, its sign of life, and what people write about it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("place", sa.Float(), nullable=True))
    op.add_column("runs", sa.Column("exit_code", sa.Integer(), nullable=True))
    op.add_column("runs", sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("runs", sa.Column("notes", sa.Text(), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    for name in ("tags", "notes", "heartbeat_at", "exit_code", "place"):
        op.drop_column("runs", name)

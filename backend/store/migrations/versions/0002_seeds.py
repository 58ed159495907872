"""runs of several seeds: a parent and its children."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added in place: recreating a table, as Alembic's batch mode does, would cascade into the runs' metrics on SQLite.
    column = sa.Column("parent_id", sa.String(40), sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=True)
    op.add_column("runs", column, inline_references=True)
    op.create_index("ix_runs_parent_id", "runs", ["parent_id"])


def downgrade() -> None:
    op.drop_index("ix_runs_parent_id", "runs")
    op.drop_column("runs", "parent_id")

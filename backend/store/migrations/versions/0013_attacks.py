"""attacks that were made on a task's reward, and an index of completions by policy."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attacks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("task", sa.String(40), nullable=False),
        sa.Column("profile", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(12), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("target", sa.Float(), nullable=False),
        sa.Column("best", sa.Float(), nullable=False),
        sa.Column("to_target", sa.Integer(), nullable=True),
        sa.Column("finds", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("attacks_task", "attacks", ["task", "profile", "fingerprint"])
    op.create_index("completions_policy", "completions", ["policy", "prompt_id"])


def downgrade() -> None:
    op.drop_index("completions_policy", "completions")
    op.drop_table("attacks")

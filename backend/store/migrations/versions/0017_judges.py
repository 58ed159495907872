"""components without a value, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "score_gaps",
        sa.Column("completion_id", sa.Integer(), sa.ForeignKey("completions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("profile", sa.String(40), primary_key=True),
        sa.Column("component", sa.String(60), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.String(12), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("score_gaps")

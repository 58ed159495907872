"""components without a value, and why; and which of two completions raters find better."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
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
    op.create_table(
        "pair_ratings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("first_id", sa.Integer(), sa.ForeignKey("completions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("second_id", sa.Integer(), sa.ForeignKey("completions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("rater_id", sa.Integer(), sa.ForeignKey("raters.id"), nullable=False),
        sa.Column("better", sa.Integer(), nullable=False),
        sa.Column("swapped", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Float()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("first_id", "second_id", "rater_id"),
        sa.CheckConstraint("better BETWEEN 0 AND 2", name="better_0_to_2"),
    )
    op.create_index("ix_pair_ratings_second_id", "pair_ratings", ["second_id"])
    op.create_index("ix_pair_ratings_rater_id", "pair_ratings", ["rater_id"])


def downgrade() -> None:
    op.drop_table("pair_ratings")
    op.drop_table("score_gaps")

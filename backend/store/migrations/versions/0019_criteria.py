"""scores of named criteria beside the overall score."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "criterion_scores",
        sa.Column("completion_id", sa.Integer(), sa.ForeignKey("completions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("rater_id", sa.Integer(), sa.ForeignKey("raters.id"), primary_key=True),
        sa.Column("criterion", sa.String(40), primary_key=True),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("value BETWEEN 0 AND 2", name="value_0_to_2"),
    )
    op.create_index("ix_criterion_scores_rater_id", "criterion_scores", ["rater_id"])


def downgrade() -> None:
    op.drop_table("criterion_scores")

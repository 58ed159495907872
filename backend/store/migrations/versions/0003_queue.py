"""the raters' queue as a table of its own, claims, the history of ratings, stored gates."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    completion = lambda: sa.ForeignKey("completions.id", ondelete="CASCADE")  # noqa: E731
    op.create_table(
        "queue",
        sa.Column("completion_id", sa.Integer(), completion(), primary_key=True, autoincrement=False),
        sa.Column("stratum", sa.String(60), nullable=False),
        sa.Column("rated", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("shuffle", sa.Integer(), nullable=False),
    )
    op.create_index("queue_fresh", "queue", ["is_open", "rated", "stratum", "shuffle"])
    op.create_index("queue_started", "queue", ["is_open", "rated", "shuffle"])
    op.create_table(
        "claims",
        sa.Column("completion_id", sa.Integer(), completion(), primary_key=True, autoincrement=False),
        sa.Column("rater_id", sa.Integer(), sa.ForeignKey("raters.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
    )
    op.create_index("ix_claims_rater_id", "claims", ["rater_id"])
    op.create_index("ix_claims_expires_at", "claims", ["expires_at"])
    op.create_table(
        "rating_events",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("completion_id", sa.Integer(), completion(), nullable=False),
        sa.Column("rater_id", sa.Integer(), sa.ForeignKey("raters.id"), nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("score", sa.Integer()),
        sa.Column("skip_reason", sa.String(200)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_rating_events_completion_id", "rating_events", ["completion_id"])
    op.create_index("ix_rating_events_rater_id", "rating_events", ["rater_id"])
    op.create_table(
        "gate_decisions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("task", sa.String(40), nullable=False),
        sa.Column("profile", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(12), nullable=False),
        sa.Column("ratings", sa.String(12), nullable=False),
        sa.Column("verdict", sa.String(30), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("decided_by", sa.String(120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("gate_decisions_task", "gate_decisions", ["task", "profile", "id"])
    op.add_column("ratings", sa.Column("flags", sa.JSON(), nullable=False, server_default="[]"))
    # What was in the queue stays in it; its stratum was not kept, so the task's first quarter stands for it.
    op.execute(
        """
        INSERT INTO queue (completion_id, stratum, rated, wanted, is_open, shuffle)
        SELECT c.id, p.task || '/0', COUNT(r.score), 2, COUNT(r.score) < 2, (c.id * 7919) % 1000003
        FROM completions c JOIN prompts p ON p.id = c.prompt_id LEFT JOIN ratings r ON r.completion_id = c.id
        WHERE c.in_queue GROUP BY c.id, p.task
        """
    )
    op.drop_index("ix_completions_in_queue", "completions")
    op.drop_column("completions", "in_queue")


def downgrade() -> None:
    op.add_column("completions", sa.Column("in_queue", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_completions_in_queue", "completions", ["in_queue"])
    op.execute("UPDATE completions SET in_queue = true WHERE id IN (SELECT completion_id FROM queue)")
    op.drop_column("ratings", "flags")
    for table in ("gate_decisions", "rating_events", "claims", "queue"):
        op.drop_table(table)

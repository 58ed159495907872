"""statistics of each stratum of the queue, to choose the most informative completions; hidden repeats."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "strata",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("rated", sa.Integer(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.Column("squares", sa.Float(), nullable=False),
    )
    op.add_column("queue", sa.Column("human", sa.Float(), nullable=True))
    op.add_column("claims", sa.Column("is_repeat", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        """
        UPDATE queue SET human = (SELECT AVG(r.score * 1.0) FROM ratings r WHERE r.completion_id = queue.completion_id)
        WHERE rated > 0
        """
    )
    op.execute(
        """
        INSERT INTO strata (name, items, open, rated, total, squares)
        SELECT stratum, COUNT(*), COUNT(CASE WHEN is_open THEN 1 END), COUNT(human), COALESCE(SUM(human), 0),
            COALESCE(SUM(human * human), 0)
        FROM queue GROUP BY stratum
        """
    )


def downgrade() -> None:
    op.drop_column("claims", "is_repeat")
    op.drop_column("queue", "human")
    op.drop_table("strata")

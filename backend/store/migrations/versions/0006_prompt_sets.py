"""sets of prompts by the hash of their content, and the set a run used."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prompt_sets",
        sa.Column("id", sa.String(12), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.add_column("runs", sa.Column("prompt_set", sa.String(12), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "prompt_set")
    op.drop_table("prompt_sets")

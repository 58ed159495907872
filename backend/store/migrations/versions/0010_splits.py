"""which prompts an evaluation is on (eval or test), and raters who are left out, with the reason."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("split", sa.String(10), nullable=False, server_default="eval"))
    op.add_column("raters", sa.Column("left_out", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("raters", "left_out")
    op.drop_column("evaluations", "split")

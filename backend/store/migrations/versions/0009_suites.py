"""completions from anywhere: their columns, keys and steps; prompts as text or chat; fractional scores; versions of suites."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prompts", sa.Column("form", sa.String(4), nullable=False, server_default="text"))
    op.add_column("completions", sa.Column("columns", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("completions", sa.Column("key", sa.String(64), nullable=True))
    op.add_column("completions", sa.Column("step", sa.Integer(), nullable=True))
    op.create_index("completions_key", "completions", ["key"], unique=True)
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps a fraction in an integer column as it is
        op.alter_column("ratings", "score", type_=sa.Float())
        op.alter_column("rating_events", "score", type_=sa.Float())
    op.create_table(
        "suite_versions",
        sa.Column("fingerprint", sa.String(12), primary_key=True),
        sa.Column("task", sa.String(60), primary_key=True),
        sa.Column("suite", sa.String(60), nullable=False),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("suite_versions")
    op.drop_index("completions_key", "completions")
    for table, column in (("completions", "step"), ("completions", "key"), ("completions", "columns"), ("prompts", "form")):
        op.drop_column(table, column)

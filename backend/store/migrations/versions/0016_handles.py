"""where a run is, as JSON in place of its pid; a stop that was asked for; lines that could not be read."""

import json
import socket

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

RUNS = sa.table(
    "runs", sa.column("id", sa.String), sa.column("pid", sa.Integer), sa.column("pid_started", sa.Float),
    sa.column("place", sa.Float), sa.column("handle", sa.JSON),
)  # fmt: skip


def upgrade() -> None:
    op.add_column("runs", sa.Column("handle", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("runs", sa.Column("stop_asked", sa.String(10), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("set_aside", sa.JSON(), nullable=False, server_default="[]"))
    connection = op.get_bind()
    # An SQLite store belongs to one machine. Which of several wrote a row on PostgreSQL, nobody kept: no machine judges it.
    host = socket.gethostname() if connection.dialect.name == "sqlite" else ""
    rows = connection.execute(sa.select(RUNS.c.id, RUNS.c.pid, RUNS.c.pid_started, RUNS.c.place)).all()
    for run_id, pid, started, place in rows:
        if pid is None and place is None:
            continue
        job = None if pid is None else {"pid": pid, "started": started}
        here = host or (socket.gethostname() if pid is None else "")  # what only waits may be started by whoever migrates
        handle = {"launcher": "local", "host": here, "job": job}
        connection.execute(sa.update(RUNS).where(RUNS.c.id == run_id).values(handle=handle))
    op.drop_column("runs", "pid_started")
    op.drop_column("runs", "pid")


def downgrade() -> None:
    op.add_column("runs", sa.Column("pid", sa.Integer(), nullable=True))
    op.add_column("runs", sa.Column("pid_started", sa.Float(), nullable=True))
    connection = op.get_bind()
    for run_id, handle in connection.execute(sa.select(RUNS.c.id, RUNS.c.handle)).all():
        handle = json.loads(handle) if isinstance(handle, str) else handle
        job = (handle or {}).get("job") or {}
        if "pid" in job and handle["launcher"] == "local":
            values = {"pid": job["pid"], "pid_started": job.get("started")}
            connection.execute(sa.update(RUNS).where(RUNS.c.id == run_id).values(values))
    for name in ("set_aside", "stop_asked", "handle"):
        op.drop_column("runs", name)

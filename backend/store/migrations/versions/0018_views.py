"""views for scripts that read with SQL: v_ratings, v_scores, v_runs. None of them can be written to.

A later migration that changes a table under a view drops the view first and makes it again.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

VIEWS = {
    # The scores that count, as `workbench ratings export` has them: no skips, nobody who is left out, and pseudonyms in
    # the order of the raters' first scores.
    "v_ratings": """
        SELECT counted.id AS rating_id, counted.completion_id, completions.prompt_id, prompts.task,
               'rater-' || DENSE_RANK() OVER (ORDER BY counted.first_id) AS rater,
               counted.score, counted.comment, counted.seconds, counted.created_at
        FROM (
            SELECT ratings.*, MIN(ratings.id) OVER (PARTITION BY ratings.rater_id) AS first_id
            FROM ratings JOIN raters ON raters.id = ratings.rater_id
            WHERE ratings.score IS NOT NULL AND raters.left_out = ''
        ) AS counted
        JOIN completions ON completions.id = counted.completion_id
        JOIN prompts ON prompts.id = completions.prompt_id
    """,
    "v_scores": """
        SELECT scored.completion_id, completions.prompt_id, prompts.task, completions.policy, completions.evaluation_id,
               scored.profile, scored.component, scored.value, scored.gap, scored.fingerprint
        FROM (
            SELECT completion_id, profile, component, value, NULL AS gap, fingerprint FROM scores
            UNION ALL
            SELECT completion_id, profile, component, NULL AS value, kind AS gap, fingerprint FROM score_gaps
        ) AS scored
        JOIN completions ON completions.id = scored.completion_id
        JOIN prompts ON prompts.id = completions.prompt_id
    """,
    "v_runs": """
        SELECT runs.id AS run_id, runs.name, runs.preset, runs.status, runs.reason, runs.seed, runs.parent_id, runs.profile,
               runs.fingerprint, runs.prompt_set, logged.step AS last_step, runs.is_example, runs.created_at,
               runs.started_at, runs.ended_at
        FROM runs
        LEFT JOIN (SELECT run_id, MAX(step) AS step FROM metrics GROUP BY run_id) AS logged ON logged.run_id = runs.id
    """,
}


def upgrade() -> None:
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")

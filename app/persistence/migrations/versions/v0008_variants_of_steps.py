"""Store with each step of a run the index of the version that it measures or makes.

Until then it followed from the step's own index: the original had the third step, and a search ended with two steps
after its versions.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index to the documents; a damaged document stays as it is, so that reading the record names it."""
    op.execute(
        """
        UPDATE steps SET body_json = json_set(body_json, '$.variant_index', "index" - 2)
        WHERE json_valid(body_json) AND "index" >= 2 AND (
            "index" = 2
            OR "index" < (SELECT count(*) FROM steps AS other WHERE other.run_id = steps.run_id) - 2
            OR EXISTS (SELECT 1 FROM variants AS made
                       WHERE made.run_id = steps.run_id AND made."index" = steps."index" - 2)
        )
        """
    )

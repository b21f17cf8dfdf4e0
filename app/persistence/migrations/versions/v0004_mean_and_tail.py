"""Add columns for the mean of a version's times, and for the ratio of its 90th percentile to the original's."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for name in ("latency_mean_ms", "p90_speedup"):
        op.add_column("variants", sa.Column(name, sa.Float(), nullable=True))

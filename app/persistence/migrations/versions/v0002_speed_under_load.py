"""Add columns for the details of a version's times, and for measurements under load."""

import sqlalchemy as sa
from alembic import op

from app.persistence.columns import AnyText

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for name in ("latency_p50_low_ms", "latency_p50_high_ms", "cpu_speedup", "agreed_low"):
        op.add_column("variants", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("variants", sa.Column("set_p50_json", AnyText(), nullable=True))
    op.add_column("variants", sa.Column("under_load", sa.Boolean(), nullable=True))

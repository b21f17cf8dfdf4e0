"""Add a column that says whether a version has the original's weights, at most rounded.

A pruned version is not exact, whatever its bits.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("variants", sa.Column("weights_kept", sa.Boolean(), nullable=False, server_default=sa.true()))

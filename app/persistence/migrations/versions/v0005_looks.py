"""Create the table of looks at test items, and add a column for a version's result on the calibration set.

A look belongs to no run, because a person who deletes a run has still seen the results on its items.
"""

import sqlalchemy as sa
from alembic import op

from app.persistence.columns import AnyText, UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and add the column."""
    op.add_column("variants", sa.Column("screening_json", AnyText(), nullable=True))
    op.create_table(
        "looks",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, AnyText(), nullable=False) for name in ("model_sha256", "run_id")),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("versions_json", AnyText(), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_looks"),
    )
    op.create_index("ix_looks_model_sha256", "looks", ["model_sha256"])

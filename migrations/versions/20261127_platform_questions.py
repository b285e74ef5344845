"""questions of centres about platforms"""

import sqlalchemy as sa
from alembic import op

import rdv.db

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "platform_question",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("consent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("created_at", rdv.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"], ["platform_consent.id"], name=op.f("fk_platform_question_consent_id_platform_consent"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_question")),
        sa.UniqueConstraint("public_id", name=op.f("uq_platform_question_public_id")),
    )  # fmt: skip
    with op.batch_alter_table("platform_question", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_platform_question_consent_id"), ["consent_id"], unique=False)


def downgrade() -> None:
    op.drop_table("platform_question")

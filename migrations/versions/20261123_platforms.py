"""the platforms of the mission: their codes are the origine= of our links"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PLATFORMS = [
    ("lba", "La bonne alternance", "https://labonnealternance.apprentissage.beta.gouv.fr"),
    ("parcoursup", "Parcoursup", "https://www.parcoursup.fr"),
    ("affelnet", "Choisir son affectation après la 3e (Affelnet)", "https://affectation3e.phm.education.gouv.fr/pna-public"),
    ("onisep", "Onisep", "https://www.onisep.fr"),
    ("jeune_1_solution", "1jeune1solution", "https://www.1jeune1solution.gouv.fr"),
    ("cfa", "Site du centre de formation", None),
    ("carif_oref", "Carif-Oref", "https://www.intercariforef.org"),
]


def upgrade() -> None:
    platform = sa.table("platform", sa.column("code"), sa.column("name"), sa.column("url"))
    op.bulk_insert(platform, [{"code": code, "name": name, "url": url} for code, name, url in PLATFORMS])


def downgrade() -> None:
    op.execute("DELETE FROM platform")

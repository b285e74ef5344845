"""platforms: what each may show, which centres said yes, keys of the API"""

import sqlalchemy as sa
from alembic import op

import rdv.db


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

# Filled by the migration, then by the application alone.
WITHOUT_DEFAULT = ('active', 'life_cycle', 'origins', 'gets_contacts')
NO_DAYS = (None, None, None, None)
# Life cycles and days of today (reference/predecessor.md §6, §7); the service team changes them in /admin.
PLATFORMS = [
    ('lba', 'opt_out', ['https://labonnealternance.apprentissage.beta.gouv.fr'], NO_DAYS),
    ('jeune_1_solution', 'opt_out', ['https://www.1jeune1solution.gouv.fr'], NO_DAYS),
    ('onisep', 'opt_out', ['https://www.onisep.fr'], NO_DAYS),
    ('parcoursup', 'premium', ['https://www.parcoursup.fr'], ('01-02', '08-31', '01-08', '11-20')),
    ('affelnet', 'premium', ['https://affectation3e.phm.education.gouv.fr'], ('01-15', '08-31', '03-23', '11-20')),
    ('cfa', 'own_site', [], NO_DAYS),
    ('carif_oref', 'always', ['https://www.intercariforef.org'], NO_DAYS),
]


def upgrade() -> None:
    op.create_table('api_key',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('platform_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('secret_hash', sa.String(length=64), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('expires_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['platform_id'], ['platform.id'], name=op.f('fk_api_key_platform_id_platform'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_key')),
    sa.UniqueConstraint('public_id', name=op.f('uq_api_key_public_id')),
    sa.UniqueConstraint('secret_hash', name=op.f('uq_api_key_secret_hash'))
    )
    with op.batch_alter_table('api_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_key_platform_id'), ['platform_id'], unique=False)

    op.create_table('cfa_domain',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cfa_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('host', sa.String(length=253), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['cfa_id'], ['cfa.id'], name=op.f('fk_cfa_domain_cfa_id_cfa'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cfa_domain')),
    sa.UniqueConstraint('cfa_id', 'host', name=op.f('uq_cfa_domain_cfa_id_host'))
    )
    with op.batch_alter_table('cfa_domain', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cfa_domain_host'), ['host'], unique=False)

    op.create_table('platform_consent',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('cfa_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('platform_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('invited_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('activates_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('followed_up_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('reminded_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('decided_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(length=10), nullable=True),
    sa.Column('link_version', sa.Integer(), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('invited', 'active', 'refused')", name=op.f('ck_platform_consent_state')),
    sa.ForeignKeyConstraint(['cfa_id'], ['cfa.id'], name=op.f('fk_platform_consent_cfa_id_cfa'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['platform_id'], ['platform.id'], name=op.f('fk_platform_consent_platform_id_platform'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_platform_consent')),
    sa.UniqueConstraint('cfa_id', 'platform_id', name=op.f('uq_platform_consent_cfa_id_platform_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_platform_consent_public_id'))
    )
    with op.batch_alter_table('platform_consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_platform_consent_platform_id'), ['platform_id'], unique=False)
        batch_op.create_index('ix_platform_consent_state_activates_at', ['state', 'activates_at'], unique=False)

    op.create_table('api_refusal',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('api_key_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('endpoint', sa.String(length=60), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=False),
    sa.Column('problem', sa.String(length=60), nullable=False),
    sa.ForeignKeyConstraint(['api_key_id'], ['api_key.id'], name=op.f('fk_api_refusal_api_key_id_api_key'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_refusal'))
    )
    with op.batch_alter_table('api_refusal', schema=None) as batch_op:
        batch_op.create_index('ix_api_refusal_api_key_id_at', ['api_key_id', 'at'], unique=False)

    op.create_table('platform_site',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('site_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('platform_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('shown', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['platform_id'], ['platform.id'], name=op.f('fk_platform_site_platform_id_platform'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_platform_site_site_id_site'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_platform_site')),
    sa.UniqueConstraint('site_id', 'platform_id', name=op.f('uq_platform_site_site_id_platform_id'))
    )
    with op.batch_alter_table('platform_site', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_platform_site_platform_id'), ['platform_id'], unique=False)

    with op.batch_alter_table('platform', schema=None) as batch_op:
        batch_op.add_column(sa.Column('active', sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column('life_cycle', sa.String(length=10), nullable=False, server_default='always'))
        batch_op.add_column(sa.Column('origins', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('campaign_from', sa.String(length=5), nullable=True))
        batch_op.add_column(sa.Column('campaign_to', sa.String(length=5), nullable=True))
        batch_op.add_column(sa.Column('reminder_on', sa.String(length=5), nullable=True))
        batch_op.add_column(sa.Column('reset_on', sa.String(length=5), nullable=True))
        batch_op.add_column(sa.Column('gets_contacts', sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table('platform', schema=None) as batch_op:
        for name in WITHOUT_DEFAULT:
            batch_op.alter_column(name, server_default=None)
        batch_op.create_check_constraint(
            op.f('ck_platform_life_cycle'), "life_cycle IN ('always', 'opt_out', 'premium', 'own_site')"
        )
    platform = sa.table(
        'platform',
        *(sa.column(name) for name in ('code', 'life_cycle', 'campaign_from', 'campaign_to', 'reminder_on', 'reset_on')),
        sa.column('origins', sa.JSON()),
    )
    for code, cycle, origins, days in PLATFORMS:
        values = dict(zip(('campaign_from', 'campaign_to', 'reminder_on', 'reset_on'), days, strict=True))
        op.execute(platform.update().where(platform.c.code == code).values(life_cycle=cycle, origins=origins, **values))


def downgrade() -> None:
    with op.batch_alter_table('platform', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_platform_life_cycle'), type_='check')
        batch_op.drop_column('gets_contacts')
        batch_op.drop_column('reset_on')
        batch_op.drop_column('reminder_on')
        batch_op.drop_column('campaign_to')
        batch_op.drop_column('campaign_from')
        batch_op.drop_column('origins')
        batch_op.drop_column('life_cycle')
        batch_op.drop_column('active')

    with op.batch_alter_table('platform_site', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_platform_site_platform_id'))

    op.drop_table('platform_site')
    with op.batch_alter_table('api_refusal', schema=None) as batch_op:
        batch_op.drop_index('ix_api_refusal_api_key_id_at')

    op.drop_table('api_refusal')
    with op.batch_alter_table('platform_consent', schema=None) as batch_op:
        batch_op.drop_index('ix_platform_consent_state_activates_at')
        batch_op.drop_index(batch_op.f('ix_platform_consent_platform_id'))

    op.drop_table('platform_consent')
    with op.batch_alter_table('cfa_domain', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_cfa_domain_host'))

    op.drop_table('cfa_domain')
    with op.batch_alter_table('api_key', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_api_key_platform_id'))

    op.drop_table('api_key')
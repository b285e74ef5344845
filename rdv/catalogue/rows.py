"""One training as a catalogue says it, cleaned and whole: read from the ministries' export or the Carif-Oref flow.

What a file does not say is absent from the facts and changes nothing; an empty cell clears only what has a meaning
when empty (a Parcoursup identifier), never a name or a contact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rdv.catalogue import fields, listings, places, territories
from rdv.catalogue.fields import BadField
from rdv.french import NBSP

Cells = Mapping[str, Any]
T = TypeVar("T")


class RowRefused(Exception):
    """A row that cannot become a training; the text says why, in French."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The column names in which one kind of catalogue differs from the other."""

    code: str
    label: str
    insee: str
    postal_code: str
    intakes: tuple[str, ...]  # the most precise first
    needs: frozenset[str]  # columns that reveal this kind


EXPORT = Layout(
    code="ministeres-educatifs",
    label="export du catalogue des ministères éducatifs",
    insee="code_commune_insee",
    postal_code="code_postal",
    intakes=("date_debut", "periode", "tags"),
    needs=frozenset({"cle_ministere_educatif", "etablissement_gestionnaire_siret"}),
)
FLOW = Layout(
    code="carif-oref",
    label="flux Carif-Oref",
    insee="lieu_formation_code_commune_insee",
    postal_code="lieu_formation_code_postal",
    intakes=("annees_debut_session",),
    needs=frozenset({"etablissement_gestionnaire_siret", "lieu_formation_code_commune_insee", "cfd"}),
)
LAYOUTS = (EXPORT, FLOW)
IDENTITY_COLUMNS = frozenset(
    {
        "cle_ministere_educatif", "etablissement_gestionnaire_siret", "etablissement_formateur_siret", "cfd", "rncp_code",
        "lieu_formation_adresse", *(layout.insee for layout in LAYOUTS), *(layout.postal_code for layout in LAYOUTS),
    }
)  # fmt: skip

# Kept as the catalogue says them: eligibility rules read them elsewhere.
_STATUSES = (
    "parcoursup_statut", "affelnet_statut", "catalogue_published", "duree", "annee", "capacite", "cfd_date_fermeture",
    "nom_academie", "niveau_formation_diplome", "onisep_url",
)  # fmt: skip
_SCOPES = ("parcoursup_perimetre_prise_rdv", "affelnet_perimetre_prise_rdv")


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """A training, its place and its centre: how each is recognised, and the columns the file gives."""

    number: int  # line or record
    identity: str  # Training.identity
    training_key: str | None
    cfa_siret: str
    site_siret: str  # '' when unknown
    insee: str  # '' when unknown
    address_key: str
    replaced_keys: tuple[str, ...]
    cfa: dict[str, Any]
    site: dict[str, Any]
    training: dict[str, Any]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """What recognises a row, before the rest of it is read."""

    identity: str
    training_key: str | None
    cfa_siret: str
    site_siret: str
    insee: str
    postal_code: str | None
    address: str | None
    address_key: str
    diploma_code: str | None
    rncp: str | None
    remote_key: bool
    warnings: tuple[str, ...]


def layout_of(columns: Collection[str]) -> Layout | None:
    """Return the kind of catalogue that these columns announce, None when they announce none."""
    return next((layout for layout in LAYOUTS if layout.needs.issubset(columns)), None)


def identify(cells: Cells, layout: Layout) -> Identity:
    """Return what recognises a training, its place and its centre; raises RowRefused when nothing does."""
    warnings: list[str] = []
    key = _or_warn(warnings, fields.training_key, cells.get("cle_ministere_educatif"))
    if key and not key["place"]:
        warnings.append("clé ministères éducatifs sans suffixe de lieu (#L01), gardée telle quelle")
    cfa_siret = _managing_siret(cells, key)
    try:
        site_siret = fields.siret(cells.get("etablissement_formateur_siret"), "SIRET formateur")
    except BadField as problem:
        warnings.append(f"{problem}, laissé de côté")
        site_siret = None
    if not site_siret and key:
        site_siret = fields.siret_or_none(key["teacher"])
    if not site_siret:
        warnings.append(f"SIRET formateur absent{NBSP}: le lieu est reconnu par son adresse")
    insee = _or_warn(warnings, fields.insee, cells.get(layout.insee))
    if not insee and key:
        insee = fields.insee(key["insee"])
    postal_code = _or_warn(warnings, fields.postal_code, cells.get(layout.postal_code))
    address = fields.text(cells.get("lieu_formation_adresse"))
    diploma = _or_warn(warnings, fields.diploma_code, cells.get("cfd"))
    rncp = _or_warn(warnings, fields.rncp, cells.get("rncp_code"))
    if not key and not diploma and not rncp:
        raise RowRefused(
            f"ni clé ministères éducatifs, ni code diplôme, ni code RNCP{NBSP}: formation impossible à reconnaître"
        )
    if not key and not insee and not postal_code:
        raise RowRefused(
            f"ni clé ministères éducatifs, ni code commune, ni code postal{NBSP}: lieu impossible à reconnaître"
        )
    if not diploma:
        warnings.append(
            f"code diplôme absent{NBSP}: {'reconnue par son code RNCP' if rncp else 'formation sans diplôme nommé'}"
        )
    address_key = places.address_key(address, insee or "", postal_code)
    if key:
        identity = key.group()
    else:
        identity = "|".join((cfa_siret, site_siret or "", insee or "", address_key, diploma or rncp or ""))
    return Identity(
        identity=identity,
        training_key=key.group() if key else None,
        cfa_siret=cfa_siret,
        site_siret=site_siret or "",
        insee=insee or "",
        postal_code=postal_code,
        address=address,
        address_key=address_key,
        diploma_code=diploma,
        rncp=rncp,
        remote_key=key is not None and key["place"] == "#LAD",
        warnings=tuple(warnings),
    )


def read(number: int, cells: Cells, layout: Layout) -> CatalogueRow:
    """Return a whole row of either kind; raises RowRefused, and only that, whatever the cells hold."""
    known = identify(cells, layout)
    warnings = list(known.warnings)
    replacing_key(cells, known.training_key, warnings)  # the survey followed it: here for what it cannot read
    return CatalogueRow(
        number=number,
        identity=known.identity,
        training_key=known.training_key,
        cfa_siret=known.cfa_siret,
        site_siret=known.site_siret,
        insee=known.insee,
        address_key=known.address_key,
        replaced_keys=_replaced_keys(cells, known.training_key, warnings),
        cfa=_cfa_facts(cells, known, warnings),
        site=_site_facts(cells, known, warnings),
        training=_training_facts(cells, layout, known, warnings),
        warnings=tuple(warnings),
    )


def _managing_siret(cells: Cells, key: re.Match[str] | None) -> str:
    try:
        found = fields.siret(cells.get("etablissement_gestionnaire_siret"), "SIRET gestionnaire")
    except BadField as problem:
        raise RowRefused(str(problem)) from None
    if not found and key:
        found = fields.siret_or_none(key["manager"])
    if not found:
        raise RowRefused(f"SIRET gestionnaire absent{NBSP}: aucun établissement ne répond de cette formation")
    return found


def _or_warn(warnings: list[str], read_cell: Callable[[Any], T | None], value: Any) -> T | None:
    try:
        return read_cell(value)
    except BadField as problem:
        warnings.append(f"{problem}, laissé de côté")
        return None


def _replaced_keys(cells: Cells, own: str | None, warnings: list[str]) -> tuple[str, ...]:
    if not own:
        return ()
    found: dict[str, None] = {}
    for part in fields.items(cells.get("cle_me_remplace")):
        key = _or_warn(warnings, fields.training_key, part)
        if key and key.group() != own:
            found[key.group()] = None
    return tuple(found)


def replacing_key(cells: Cells, own: str | None, warnings: list[str]) -> str | None:
    """Return the key that a row of key `own` says has replaced it, None when it says none or itself."""
    if not own:
        return None
    for part in fields.items(cells.get("cle_me_remplace_par")):
        key = _or_warn(warnings, fields.training_key, part)
        if key and key.group() != own:
            return key.group()
    return None


def _cfa_facts(cells: Cells, known: Identity, warnings: list[str]) -> dict[str, Any]:
    uai, warning = fields.uai(cells.get("etablissement_gestionnaire_uai"), "UAI du gestionnaire")
    town = fields.city(cells.get("etablissement_gestionnaire_localite"))
    if not town and known.cfa_siret == known.site_siret:
        town = fields.city(cells.get("etablissement_formateur_localite"))
    facts = {
        "uai": uai,
        "name": fields.text(cells.get("etablissement_gestionnaire_enseigne"))
        or fields.text(cells.get("etablissement_gestionnaire_entreprise_raison_sociale")),
        "email": _email(cells, "etablissement_gestionnaire_courriel", "du gestionnaire", warnings),
        "city": town,
    }
    if warning:
        warnings.append(warning)
    return {name: value for name, value in facts.items() if value is not None}


def _site_facts(cells: Cells, known: Identity, warnings: list[str]) -> dict[str, Any]:
    uai, warning = fields.uai(cells.get("uai_formation"), "UAI du lieu")
    if not uai:
        uai, second = fields.uai(cells.get("etablissement_formateur_uai"), "UAI du formateur")
        warning = warning or second
    if warning:
        warnings.append(warning)
    position = fields.coordinates(cells.get("lieu_formation_geo_coordonnees"))
    facts: dict[str, Any] = {
        "uai": uai,
        "name": fields.text(cells.get("etablissement_formateur_enseigne"))
        or fields.text(cells.get("etablissement_formateur_entreprise_raison_sociale")),
        "address": known.address,
        "postal_code": known.postal_code,
        "city": fields.city(cells.get("localite")),
        "latitude": position[0] if position else None,
        "longitude": position[1] if position else None,
        "email": _email(cells, "etablissement_formateur_courriel", "du formateur", warnings),
    }
    department = _department(cells, known, warnings)
    if department:
        territory = territories.territory_of(department, known.insee)
        facts |= {"department": department, "territory": territory.code, "timezone": territory.timezone}
    return {name: value for name, value in facts.items() if value is not None}


def _department(cells: Cells, known: Identity, warnings: list[str]) -> str | None:
    by_commune = territories.department_of_insee(known.insee)
    by_post = territories.department_of_postal_code(known.postal_code) if known.postal_code else None
    if by_commune and by_post and by_commune != by_post:
        warnings.append(
            f"code postal {known.postal_code} et code commune {known.insee} de départements différents{NBSP}: "
            "le code commune l’emporte"
        )
    found = by_commune or by_post or territories.department_from(fields.text(cells.get("num_departement")) or "")
    if not found:
        warnings.append(f"département inconnu{NBSP}: l’heure de Paris et les jours fériés nationaux s’appliquent")
    return found


def _training_facts(cells: Cells, layout: Layout, known: Identity, warnings: list[str]) -> dict[str, Any]:
    number, unreadable = fields.phone(cells.get("num_tel"))
    if unreadable:
        warnings.append("téléphone de la formation illisible, laissé de côté")
    texts = {
        "title": next(
            (
                title
                for column in ("intitule_long", "intitule_court", "intitule_rco", "rncp_intitule")
                if (title := fields.text(cells.get(column)))
            ),
            None,
        ),
        "diploma": fields.text(cells.get("diplome"), 120),
        "level": fields.text(cells.get("niveau"), 40),
        "diploma_code": known.diploma_code,
        "rncp": known.rncp,
        "rco_id": fields.text(cells.get("id_rco_formation"), 120),
        "email": _email(cells, "email", "de la formation", warnings),
        "phone": number,
    }
    facts: dict[str, Any] = {name: value for name, value in texts.items() if value is not None}
    for column, limit in (("parcoursup_id", 20), ("affelnet_id", 40), ("onisep_id", 40)):
        if column in cells:
            facts[column] = fields.text(cells[column], limit)
    said = [fields.intakes(cells[column]) for column in layout.intakes if column in cells]
    if said:
        facts["starts_on"] = next((days for days in said if days), [])
    remote = fields.truth(cells.get("entierement_a_distance"))
    if remote is not None or known.remote_key:
        facts["remote"] = bool(remote) or known.remote_key
    published = fields.truth(cells.get("published"))
    if published is not None:
        facts["published"] = published
    facts |= listings.listed(cells)
    facts["source"] = _source(cells, layout)
    return facts


def _source(cells: Cells, layout: Layout) -> dict[str, Any]:
    kept: dict[str, Any] = {"catalogue": layout.code}
    kept |= {name: said for name in _STATUSES if (said := fields.text(cells.get(name))) is not None}
    kept |= {name: inside for name in _SCOPES if (inside := fields.truth(cells.get(name))) is not None}
    return kept


def _email(cells: Cells, column: str, whose: str, warnings: list[str]) -> str | None:
    found, unreadable = fields.email(cells.get(column))
    if unreadable:
        # The report may be passed around: it names the cell, not the address.
        warnings.append(f"adresse électronique {whose} illisible, laissée de côté")
    return found

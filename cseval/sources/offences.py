"""Names of offences: old to current, and the comparisons that renaming alone would break."""

from __future__ import annotations

from cseval.sources.files import slug

MAJOR_GROUPS = (
    "arson_and_criminal_damage",
    "burglary",
    "drug_offences",
    "fraud_and_forgery",
    "miscellaneous_crimes_against_society",
    "nfib_fraud",
    "possession_of_weapons",
    "public_order_offences",
    "robbery",
    "sexual_offences",
    "theft",
    "vehicle_offences",
    "violence_against_the_person",
)

# Old or abbreviated name -> current name, the same offences under both. The police cut long names at 50 characters.
RENAMED = {
    "historical_fraud_and_forgery": "fraud_and_forgery",
    "fraud_or_forgery": "fraud_and_forgery",
    "drugs": "drug_offences",
    "drug_trafficking": "trafficking_of_drugs",
    "nfib": "nfib_fraud",
    "misc_crimes_against_society": "miscellaneous_crimes_against_society",
    "other_offences_against_the_state_or_public_order": "other_offences_public_order",
    "racially_or_religiously_aggravated_public_fear_al": "race_or_religious_agg_public_fear",
    "racially_or_religiously_aggravated_public_fear_alarm_or_distress": "race_or_religious_agg_public_fear",
    "theft_from_person": "theft_from_the_person",
    "theft_from_a_motor_vehicle": "theft_from_a_vehicle",
    "theft_from_motor_vehicle": "theft_from_a_vehicle",
    "theft_or_taking_of_a_motor_vehicle": "theft_or_unauth_taking_of_a_motor_veh",
    "theft_taking_of_motor_vehicle": "theft_or_unauth_taking_of_a_motor_veh",
    "interfering_with_motor_vehicle": "interfering_with_a_motor_vehicle",
}

# Parts of what was one offence before 2023. Summed, so that one series runs through.
MERGED = {
    "res_burglary_of_a_home": "domestic_burglary",
    "res_burglary_of_unconnected_building": "domestic_burglary",
}

# Until the 2022 names, "Violence without Injury" held stalking and harassment too; in the current names it does not.
WITHOUT_INJURY = "violence_without_injury"
HARASSMENT = "stalking_and_harassment"
WITHOUT_INJURY_BROAD = "violence_without_injury_and_harassment"

KNOWN = (
    frozenset(MAJOR_GROUPS)
    | frozenset(RENAMED.values())
    | frozenset(MERGED)
    | frozenset(MERGED.values())
    | frozenset(
        slug(name)
        for name in (
            "Arson",
            "Criminal Damage",
            "Burglary Business and Community",
            "Possession of Drugs",
            "Public Fear Alarm or Distress",
            "Violent Disorder",
            "Robbery of Business Property",
            "Robbery of Personal Property",
            "Other Sexual Offences",
            "Rape",
            "Bicycle Theft",
            "Other Theft",
            "Shoplifting",
            "Aggravated Vehicle Taking",
            "Death Serious Injury Illegal Driving",
            "Homicide",
            "Stalking and Harassment",
            "Violence with Injury",
            "Violence without Injury",
            "Absconding from Lawful Custody",
            "Aiding Suicide",
            "Bail Offences",
            "Bigamy",
            "Concealing an Infant Death Close to Birth",
            "Dangerous Driving",
            "Disclosure, Obstruction, False or Misleading State",
            "Exploitation of Prostitution",
            "Forgery or Use of Drug Prescription",
            "Fraud or Forgery Associated with Driver Records",
            "Going Equipped for Stealing",
            "Handling Stolen Goods",
            "Making, Supplying or Possessing Articles for use i",
            "Obscene Publications",
            "Offender Management Act",
            "Other Forgery",
            "Other Notifiable Offences",
            "Perjury",
            "Perverting Course of Justice",
            "Possession of False Documents",
            "Profitting From or Concealing Proceeds of Crime",
            "Soliciting for Prostitution",
            "Threat or Possession With Intent to Commit Crimina",
            "Wildlife Crime",
            "Other Firearm Offences",
            "Other Knife Offences",
            "Possession of Article with Blade or Point",
            "Possession of Firearm with Intent",
            "Possession of Firearms Offences",
            "Possession of Other Weapon",
        )
    )
)


def current(name: str) -> str:
    """The outcome an offence name stands for, under the name in use today; unknown names keep their own slug."""
    own = slug(name)
    return RENAMED.get(own, own)


def merged(outcome: str) -> str:
    """The offence that `outcome` is a part of, or itself."""
    return MERGED.get(outcome, outcome)

"""Golden cases of linear regression: weights, fixed effects, and every kind of standard error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from golden_data import columns, complete, numbers

from cseval.inference.panel_regression import Regression, regress, standard_errors

CRIMES = ("homicide", "burglary", "robbery", "assault")

#: Table 13.2 of Wooldridge: columns 2 and 3, and the logarithms of (13.9).
AGE = ("age", "agesq")
FULL = (*AGE, "intst", "land", "area", "rooms", "baths")
LOGS = (*AGE, "lintst", "lland", "larea", "rooms", "baths")


def castle(folder: Path) -> dict[str, float]:
    """Weighted two-way fixed effects, alone and with a dummy for every region and year."""
    data = columns(folder / "castle.csv")
    regions = numbers(data, *(k for k in data if k.startswith("r20")))
    effects = [data["state"], data["year"]]
    found = {}
    for crime in CRIMES:
        for suffix, absorbed in (("", effects), ("_ry", [*effects, regions.argmax(axis=1)])):
            fit = regress(
                numbers(data, f"l_{crime}")[:, 0],
                numbers(data, "cdl"),
                absorbed=absorbed,
                weights=numbers(data, "popwt")[:, 0],
            )
            found[f"l_{crime}{suffix}"] = fit.coefficients[0]
            found[f"l_{crime}{suffix}_se"] = standard_errors(fit.clustered(data["state"]))[0]
    return found


def base_did(folder: Path) -> dict[str, float]:
    """An event study with a covariate, and a regression without effects under four kinds of error."""
    data = columns(folder / "base_did.csv")
    y, x, period = numbers(data, "y")[:, 0], numbers(data, "x1"), data["period"].astype(int)
    others = [p for p in range(1, 11) if p != 5]
    event = (period[:, None] == others) * numbers(data, "treat")
    fit = regress(y, np.column_stack([event, x]), absorbed=[data["id"], period])
    iid, clustered = standard_errors(fit.iid), standard_errors(fit.clustered(data["id"]))
    found = {f"period_{p}": fit.coefficients[k] for k, p in enumerate(others)}
    found |= {f"period_{p}_se_iid": iid[k] for k, p in enumerate(others)}
    found |= {f"period_{p}_se_cluster_id": clustered[others.index(p)] for p in (1, 2, 6, 10)}
    plain = regress(y, x)
    kinds = {
        "newey_west": plain.newey_west(data["id"], period),
        "cluster_id": plain.clustered(data["id"]),
        "driscoll_kraay": plain.driscoll_kraay(period),
        "twoway": plain.two_way(data["id"], period, smallest=True),
    }
    return found | {"b_x1": plain.coefficients[0]} | _errors("b_x1_se", kinds)


def organ_donations(folder: Path) -> dict[str, float]:
    data = columns(folder / "organ_donations.csv")
    fit = regress(numbers(data, "Rate")[:, 0], numbers(data, "Treated"), absorbed=[data["State"], data["Quarter"]])
    return {"att": fit.coefficients[0], "att_se": standard_errors(fit.clustered(data["State"]))[0]}


def kielmc(folder: Path) -> dict[str, float]:
    """Interaction of year and nearness, with no, some and all controls."""
    data = columns(folder / "kielmc.csv")

    def fitted(outcome: str, controls: tuple[str, ...]) -> Regression:
        return regress(numbers(data, outcome)[:, 0], numbers(data, "y81nrinc", "y81", "nearinc", *controls))

    fits = {
        ("did1", "did1_se"): fitted("rprice", ()),
        ("did2_age", "did2_se"): fitted("rprice", AGE),
        ("did3_full", "did3_se"): fitted("rprice", FULL),
        ("log_did1", "log_did1_se"): fitted("lprice", ()),
        ("log_did3", "log_did3_se"): fitted("lprice", LOGS),
    }
    found = {name: fit.coefficients[0] for (name, _), fit in fits.items()}
    return found | {name: standard_errors(fit.iid)[0] for (_, name), fit in fits.items()}


def drinking_age(folder: Path) -> dict[str, float]:
    """CR1 and CR2 with Satterthwaite degrees of freedom."""
    data = complete(columns(folder / "mlda.csv"))
    absorbed = [data["state"], data["year"]]
    fit = regress(numbers(data, "mrate")[:, 0], numbers(data, "legal", "beertaxa"), absorbed=absorbed)
    by_state = fit.by(data["state"])
    se1, (se2, df) = standard_errors(by_state.cr1), by_state.cr2()
    return {
        "legal": fit.coefficients[0],
        "legal_se_cr1": se1[0],
        "legal_p_cr1": by_state.p_values(se1, by_state.clusters - 1)[0],
        "legal_se_cr2": se2[0],
        "legal_df_satt": df[0],
        "legal_p_cr2": by_state.p_values(se2, df)[0],
        "beertaxa": fit.coefficients[1],
        "beertaxa_se_cr2": se2[1],
        "beertaxa_df_satt": df[1],
        "legal_se_fixest": standard_errors(fit.clustered(data["state"]))[0],
    }


def petersen(folder: Path) -> dict[str, float]:
    data = columns(folder / "petersen.csv")
    fit = regress(numbers(data, "y")[:, 0], numbers(data, "x"))
    firm, year = data["firm"], data["year"]
    kinds = {
        "iid": fit.iid,
        "hc1": fit.hc1,
        "firm": fit.clustered(firm),
        "year": fit.clustered(year),
        "twoway_sandwich": fit.two_way(firm, year),
        "twoway_min_G": fit.two_way(firm, year, smallest=True),
    }
    return {"x": fit.coefficients[0]} | _errors("se", kinds)


def _errors(name: str, kinds: dict[str, np.ndarray]) -> dict[str, float]:
    """Standard error of the first coefficient under each covariance."""
    return {f"{name}_{kind}": standard_errors(covariance)[0] for kind, covariance in kinds.items()}


CASES: dict[str, Callable[[Path], dict[str, float]]] = {
    "castle_cheng_hoekstra": castle,
    "fixest_base_did": base_did,
    "organ_donations": organ_donations,
    "kielmc_incinerator": kielmc,
    "mlda_cr2_unweighted": drinking_age,
    "petersen_cluster": petersen,
}

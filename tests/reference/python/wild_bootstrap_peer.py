"""Wild cluster bootstrap p-values of an independent package, with every combination of signs enumerated.

Run beside ../r/two_group_panel.csv in an environment with wildboottest 0.3.2, statsmodels and pandas:
``python wild_bootstrap_peer.py`` writes wild_bootstrap_peer.csv. Restricted (impose_null), Rademacher, CR1.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from wildboottest.wildboottest import wildboottest

HERE = Path(__file__).parent


def row(case: str, formula: str, data: pd.DataFrame, cluster: str, param: str) -> list[object]:
    """Test `param` with more draws asked for than there are combinations, which enumerates them."""
    model = smf.ols(formula, data=data)
    out = wildboottest(
        model,
        param=param,
        cluster=data[cluster].astype("category").cat.codes.astype(int),
        B=99_999,
        bootstrap_type="11",
        impose_null=True,
    )
    clusters = data[cluster].nunique()
    return [case, clusters, model.fit().params[param], float(out["statistic"].iloc[0]), float(out["p-value"].iloc[0])]


def crossed(data: pd.DataFrame) -> pd.DataFrame:
    """The same panel in seven clusters of two units, each with a covariate that varies within them."""
    number = data["unit"].str[1:].astype(int)
    return data.assign(cluster=number // 2, covariate=np.sin(number * 1.7 + data["month"] ** 1.3))


def main() -> None:
    """Write the reference."""
    data = pd.read_csv(HERE.parent / "r" / "two_group_panel.csv").rename(columns={"count": "n"})
    both = crossed(data)
    rows = [
        row("panel by unit", "n ~ did + C(unit) + C(month)", data, "unit", "did"),
        row("panel by pairs of units", "n ~ did + C(unit) + C(month)", both, "cluster", "did"),
        row("plain regression", "n ~ covariate + month", both, "cluster", "covariate"),
        row("month effects", "n ~ covariate + did + C(month)", both, "cluster", "covariate"),
    ]
    with (HERE / "wild_bootstrap_peer.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "clusters", "coefficient", "t", "p_value"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()

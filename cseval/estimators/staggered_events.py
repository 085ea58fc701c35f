"""Event study for staggered starts: observed over expected incidents by months from each unit's own start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cseval.errors import EstimationError, SpecError
from cseval.estimators.etwfe import PoissonETWFE
from cseval.estimators.poisson_did import coefficient_frame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.staggered_cohorts import Cells, CohortPanel

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

Bins = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class StaggeredEventStudy:
    """Leads and lags of `PoissonETWFE` in bins of months from each unit's own start.

    The coefficient of a bin is the log of all incidents that treated units had in it over those that the model expects
    there without the programme: fitted from untreated cells before the start, so that the whole pre period is the base,
    and imputed from it on. A bin at the ends holds only the cohorts that are observed so long. With one start it is
    `EventStudy` with ``base="mean"``, up to what the treated area itself adds to the month effects before the start.

    Parameters
    ----------
    bin_months : int
        Length of a bin; bins run outwards from the start and the outermost may be shorter.
    """

    bin_months: int = 3

    def __post_init__(self) -> None:
        if self.bin_months < 1:
            raise SpecError(f"bin_months={self.bin_months}", where="StaggeredEventStudy", expected="at least 1")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Poisson event study, staggered starts"

    def bins_of(self, design: Design) -> Bins:
        """First and last event time of each bin, in order, over all treated units."""
        from cseval.estimators.staggered_cohorts import panel_of

        return _bins(_every_cell(panel_of(design)), self.bin_months)

    def estimate(self, design: Design) -> Estimate:
        """The estimate of `PoissonETWFE` with a row for each bin as its coefficients.

        Errors are cluster-robust by unit (CR1), with Student's t on units - 1 degrees of freedom; there are none with
        treated units in few separate places (`staggered.places_note`). The table also has ``first_event_time`` and
        ``last_event_time``; a bin without an incident has NaN.

        Raises
        ------
        EstimationError
            As `PoissonETWFE.estimate`.
        """
        import numpy as np

        from cseval.estimators.etwfe_kernels import fit_ladder, log_ratios
        from cseval.estimators.staggered import places_note, without_errors
        from cseval.estimators.staggered_cohorts import panel_of

        estimate, panel = PoissonETWFE().estimate(design), panel_of(design)
        cells = _every_cell(panel)
        bins = _bins(cells, self.bin_months)
        found = log_ratios(fit_ladder(panel), cells, _members(cells, bins))
        units, values = float(panel.size.sum()), found.values()
        errors = np.where(np.isfinite(values), np.sqrt(found.variances() * units / (units - 1)), np.nan)
        table = coefficient_frame([f"{a}..{b}" for a, b in bins], values, errors, units - 1)
        table.insert(1, "first_event_time", [a for a, _ in bins])
        table.insert(2, "last_event_time", [b for _, b in bins])
        table = without_errors(table) if places_note(design) else table
        return replace(estimate, estimator=self.name, coefficients=table)

    def coefficients_many(self, design: Design, sets: PlaceboSets) -> Floats:
        """Coefficients of each set, with starts by position, against the comparison units less the set and its ring.

        Returns
        -------
        float array, shape (sets, bins)
            In the order of `bins_of`; NaN where nothing was counted or expected.
        """
        import numpy as np

        from cseval.estimators.staggered_cohorts import panel_of
        from cseval.estimators.staggered_sets import set_cohorts

        found = set_cohorts(design, sets)
        cells = _every_cell(panel_of(design))
        members = _members(cells, _bins(cells, self.bin_months)).astype(float)
        if cells.cohort.max() + 1 != len(found.first):
            raise EstimationError("sets whose members begin in other months", where=self.name)
        out = []
        for block in range(0, len(sets), BLOCK):
            part = replace(found, sets=sets.take(np.arange(block, min(block + BLOCK, len(sets)))))
            part = replace(part, cohort=found.cohort[block : block + BLOCK])
            out.append(_ratios(part.sums(design.counts.astype(float)), found.first, cells, members))
        return np.concatenate(out)


#: Sets whose months are held at once.
BLOCK = 2048


def _every_cell(panel: CohortPanel) -> Cells:
    """Every month of every cohort, before its start and from it on."""
    import numpy as np

    from cseval.estimators.staggered_cohorts import cells_of

    cohort, column = np.divmod(np.arange(panel.cohorts * panel.values.shape[1]), panel.values.shape[1])
    return cells_of(panel, cohort, column)


def _bins(cells: Cells, width: int) -> Bins:
    """Bins outwards from the start, cut off at the ends."""
    first, last = int(cells.event.min()), int(cells.event.max())
    before = [(max(b - width + 1, first), b) for b in range(-1, first - 1, -width)]
    after = [(a, min(a + width - 1, last)) for a in range(0, last + 1, width)]
    return tuple((a, b) for a, b in before[::-1] + after if ((cells.event >= a) & (cells.event <= b)).any())


def _members(cells: Cells, bins: Bins) -> npt.NDArray[np.bool_]:
    """Which cells are in which bin, shape (bins, cells)."""
    import numpy as np

    return np.stack([(cells.event >= a) & (cells.event <= b) for a, b in bins])


def _ratios(totals: Floats, first: Index, cells: Cells, members: Floats) -> Floats:
    """Log of observed over expected in each bin of each set; `totals` has shape (sets, cohorts + 1, months)."""
    import numpy as np

    from cseval.estimators.staggered_sets import positive

    months = totals.shape[2]
    start = np.append(first, months)
    untreated = np.arange(months) < start[:, None]
    cumulative = np.cumsum(totals, axis=2)
    after, before = (cumulative * untreated).sum(axis=1), np.zeros((len(totals), months))
    before[:, 1:] = (cumulative[:, :, :-1] * untreated[:, 1:]).sum(axis=1)
    factor = np.ones_like(after)
    factor[:, 1:] = positive(after[:, 1:]) / positive(before[:, 1:])
    level = np.cumprod(factor, axis=1)
    known = (totals * untreated).sum(axis=2)[:, :-1] / level[:, first - 1]
    expected = known[:, :, None] * np.diff(level, axis=1, prepend=0.0)[:, None, :]
    observed = totals[:, cells.cohort, cells.column] @ members.T
    fitted = expected[:, cells.cohort, cells.column] @ members.T
    return np.asarray(np.log(positive(observed)) - np.log(positive(fitted)))

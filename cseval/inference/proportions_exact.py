"""Two small groups compared exactly: every table that could have been counted is looked at.

For events with a few dozen people in each group, where no approximation is to be leaned on. The share that both groups
would have under the null is not known, so the largest p-value over all of them is taken: the test and the interval hold
their level whatever it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cseval.errors import UsageError
from cseval.inference.proportions import LEVEL, Contrast, require_level, require_whole

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: People in one group at most; above it the tables are too many, and `newcombe` is as good.
MOST = 250
_SHARES = 201
_STEPS = 30
_TIE = 1e-9

#: A count and its base.
Counted = tuple[int, int]


def exact_difference(first: Counted, second: Counted, level: float = LEVEL) -> Contrast:
    """Difference of two independent shares with an exact interval and p-value.

    Parameters
    ----------
    first, second : (int, int)
        Count and base.
    level : float

    Returns
    -------
    Contrast
        Of ``first - second``. The interval holds every difference that neither of two one-sided exact tests rejects at
        half of 1 less the level; the p-value is twice the smaller of theirs at no difference.

    Raises
    ------
    UsageError
        If a count is not a whole number from 0 to its base, or a base is above 250.

    Notes
    -----
    Tables are ordered by the score statistic of Miettinen and Nurminen (1985), Farrington and Manning (1990): the
    difference less the one tested over its standard error at the shares that are likeliest under it. The p-value is
    the largest over the shares on a grid of 201. Chan and Zhang (1999), "Test-based exact confidence intervals for the
    difference of two binomial proportions", Biometrics 55, 1202-1209. Conservative: small groups give few tables.
    """
    _require(first, second)
    require_level(level)
    half = (1 - level) / 2
    estimate = first[0] / first[1] - second[0] / second[1]
    rise, fall = (_tail_of(first, second, 0.0, sign) for sign in (1, -1))
    return Contrast(
        estimate=estimate,
        conf_low=_end(first, second, estimate, -1.0, half),
        conf_high=_end(first, second, estimate, 1.0, half),
        p_value=min(1.0, 2 * min(rise, fall)),
        level=level,
    )


def _require(first: Counted, second: Counted) -> None:
    for count, base in (first, second):
        require_whole(count, base)
        if base > MOST:
            raise UsageError(
                f"a group of {base} people", where="exact difference", expected=f"at most {MOST}", todo="Use newcombe"
            )


def _end(first: Counted, second: Counted, estimate: float, far: float, half: float) -> float:
    """The end of the interval towards `far`, by bisection on the one-sided p-value."""
    sign = 1 if far < 0 else -1
    inside, outside = estimate, far
    if abs(estimate - far) < _TIE or _tail_of(first, second, far * (1 - _TIE), sign) > half:
        return far
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if _tail_of(first, second, middle, sign) > half else (inside, middle)
    return inside


def _tail_of(first: Counted, second: Counted, tested: float, sign: int) -> float:
    """The largest probability, over the shares with the tested difference, of a table at least as far to one side."""
    import numpy as np
    from scipy.stats import binom

    (a, m), (b, n) = first, second
    statistic = sign * score_statistic(m, n, tested)
    reached = statistic >= statistic[a, b] - _TIE
    second_shares = np.linspace(max(0.0, -tested), min(1.0, 1.0 - tested), _SHARES)
    of_first = binom.pmf(np.arange(m + 1)[:, None], m, np.clip(second_shares + tested, 0, 1))
    of_second = binom.pmf(np.arange(n + 1)[:, None], n, second_shares)
    return float(np.einsum("is,ij,js->s", of_first, reached.astype(float), of_second, optimize=True).max())


def score_statistic(m: int, n: int, tested: float) -> Floats:
    """Score statistic at a difference of every table of groups of `m` and `n`, shape (m + 1, n + 1)."""
    import numpy as np

    counts = np.arange(m + 1, dtype=float)[:, None], np.arange(n + 1, dtype=float)[None]
    shares = likeliest_second(*counts, m, n, tested)
    with_first = np.clip(shares + tested, 0, 1)
    variance = with_first * (1 - with_first) / m + shares * (1 - shares) / n
    error = np.sqrt(np.maximum(variance, 1e-12))
    return np.asarray((counts[0] / m - counts[1] / n - tested) / error)


def likeliest_second(a: Floats, b: Floats, m: int, n: int, tested: float) -> Floats:
    """The second share that makes counts `a` of `m` and `b` of `n` likeliest where the shares differ by `tested`.

    The closed form of the cubic equation: Miettinen and Nurminen (1985), "Comparative analysis of two rates",
    Statistics in Medicine 4, 213-226.
    """
    import numpy as np

    total, all_ = a + b, m + n
    c3 = float(all_)
    c2 = (m + 2 * n) * tested - all_ - total
    c1 = (n * tested - all_ - 2 * b) * tested + total
    c0 = b * tested * (1 - tested)
    q = (c2 / (3 * c3)) ** 3 - c1 * c2 / (6 * c3**2) + c0 / (2 * c3)
    size = np.sqrt(np.maximum((c2 / (3 * c3)) ** 2 - c1 / (3 * c3), 0.0))
    p = np.where(q >= 0, size, -size)
    cosine = np.divide(q, p**3, out=np.zeros_like(q), where=np.abs(p) > 1e-9)
    angle = (np.pi + np.arccos(np.clip(cosine, -1, 1))) / 3
    shares = 2 * p * np.cos(angle) - c2 / (3 * c3)
    return np.asarray(np.clip(shares, max(0.0, -tested), min(1.0, 1.0 - tested)))

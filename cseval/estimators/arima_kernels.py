"""Autoregressive moving-average errors as arrays: polynomials, autocovariances, differences, forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import SpecError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

YEAR = 12


@dataclass(frozen=True, kw_only=True)
class Order:
    """Orders of a seasonal ARIMA model, ``ARIMA(p, d, q)(P, D, Q)[12]``.

    Parameters
    ----------
    p, d, q : int
        Autoregressive terms, differences, moving-average terms.
    seasonal_p, seasonal_d, seasonal_q : int
        The same at twelve months' distance.
    drift : bool
        Whether the differenced series has a mean of its own; without a difference it always has.

    Raises
    ------
    SpecError
        If an order is negative, or a drift is asked for with two differences.
    """

    p: int = 0
    d: int = 0
    q: int = 0
    seasonal_p: int = 0
    seasonal_d: int = 0
    seasonal_q: int = 0
    drift: bool = False

    def __post_init__(self) -> None:
        orders = (self.p, self.d, self.q, self.seasonal_p, self.seasonal_d, self.seasonal_q)
        if min(orders) < 0 or max(orders) > 5:
            raise SpecError(f"orders {orders}", where="Order", expected="each between 0 and 5")
        if self.drift and self.d + self.seasonal_d != 1:
            raise SpecError("a drift without exactly one difference", where="Order", expected="drift=False")

    @property
    def parameters(self) -> tuple[int, ...]:
        """Number of parameters of each polynomial: p, q, P, Q."""
        return self.p, self.q, self.seasonal_p, self.seasonal_q

    @property
    def lost(self) -> int:
        """Months that differencing uses up."""
        return self.d + YEAR * self.seasonal_d

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, as R's `arima` has them: ar1, ma1, sar1, sma1."""
        kinds = zip(("ar", "ma", "sar", "sma"), self.parameters, strict=True)
        return tuple(f"{kind}{i}" for kind, count in kinds for i in range(1, count + 1))

    def __str__(self) -> str:
        text = f"ARIMA({self.p},{self.d},{self.q})"
        seasonal = (self.seasonal_p, self.seasonal_d, self.seasonal_q)
        text += f"({','.join(map(str, seasonal))})[{YEAR}]" if any(seasonal) else ""
        return text + (" with drift" if self.drift else "")


def polynomials(order: Order, parameters: Floats) -> tuple[Floats, Floats]:
    """Coefficients of ``w_t = sum phi_i w_(t-i) + e_t + sum theta_j e_(t-j)``, seasonal factors multiplied out.

    Parameters
    ----------
    order : Order
    parameters : float array
        In the order of `Order.names`.
    """
    ar, ma, sar, sma = _parts(order, parameters)
    return -_product(-ar, -sar)[1:], _product(ma, sma)[1:]


def _parts(order: Order, parameters: Floats) -> list[Floats]:
    """The parameters of each polynomial."""
    ends = list(accumulate(order.parameters, initial=0))
    return [parameters[a:b] for a, b in pairwise(ends)]


def _product(plain: Floats, seasonal: Floats) -> Floats:
    """Coefficients of a polynomial in the lag times one in its twelfth power, both with constant 1."""
    out = np.zeros(len(plain) + YEAR * len(seasonal) + 1)
    first = _led(1.0, plain)
    out[: len(first)] = first
    for i, value in enumerate(seasonal, start=1):
        out[YEAR * i : YEAR * i + len(first)] += value * first
    return out


def _led(first: float, rest: Floats) -> Floats:
    """`rest` with one value before it."""
    out = np.empty(len(rest) + 1)
    out[0], out[1:] = first, rest
    return out


def _padded(values: Floats, size: int) -> Floats:
    """`values` with zeros after them."""
    out = np.zeros(size)
    out[: len(values)] = values
    return out


def autocovariance(phi: Floats, theta: Floats, months: int) -> Floats:
    """Autocovariances at lags 0 to ``months - 1`` with innovations of variance 1.

    From ``g_k - sum phi_i g_|k-i| = sum_(j >= k) theta_j psi_(j-k)`` (Brockwell and Davis 1991, section 3.3), solved
    for the first lags and continued by the recursion.
    """
    from scipy.signal import lfilter

    p, moving, past = len(phi), _led(1.0, theta), _led(1.0, -phi)
    psi = lfilter(moving, past, _padded(moving[:1], len(moving))) if p else moving
    right = np.correlate(moving, psi, "full")[len(psi) - 1 :]
    size = max(p + 1, len(moving))
    lag = np.arange(size)
    matrix = np.eye(size)
    for i in np.flatnonzero(phi) + 1:
        matrix[lag, np.abs(lag - i)] -= phi[i - 1]
    first: Floats = np.asarray(np.linalg.solve(matrix, _padded(right, size)) if p else right, dtype=float)
    if size >= months or p == 0:
        return _padded(first[:months], months)
    state = np.correlate(phi, first[::-1][:p], "full")[p - 1 :]
    return np.concatenate([first, lfilter([1.0], past, np.zeros(months - size), zi=state)[0]])


def toeplitz(values: Floats) -> Floats:
    """The symmetric matrix with ``values[|s - t|]``, shape (n, n)."""
    return np.asarray(values[_distance(len(values))])


def _distance(n: int) -> npt.NDArray[np.int64]:
    cached = _DISTANCES.get(n)
    if cached is None:
        cached = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        _DISTANCES.clear()
        _DISTANCES[n] = cached
    return cached


_DISTANCES: dict[int, npt.NDArray[np.int64]] = {}


def bounded(order: Order, free: Floats) -> Floats:
    """Parameters of stationary and invertible polynomials from any real numbers.

    Partial autocorrelations ``tanh(u)``, turned into coefficients by the Durbin-Levinson recursion (Monahan 1984).
    """
    parts = _parts(order, np.tanh(free))
    signs = (1.0, -1.0, 1.0, -1.0)
    return np.concatenate([sign * _from_partial(part) for sign, part in zip(signs, parts, strict=True)])


def _from_partial(partial: Floats) -> Floats:
    out = partial[:1]
    for value in partial[1:]:
        out = np.concatenate([out - value * out[::-1], [value]])
    return out


def difference_matrix(order: Order, months: int) -> Floats:
    """The matrix that differences a series, shape (months - lost, months)."""
    weights = np.ones(1)
    for _ in range(order.d):
        weights = np.convolve(weights, [1.0, -1.0])
    for _ in range(order.seasonal_d):
        weights = np.convolve(weights, np.concatenate([[1.0], np.zeros(YEAR - 1), [-1.0]]))
    out = np.zeros((months - order.lost, months))
    for i in range(len(out)):
        out[i, i : i + len(weights)] = weights[::-1]
    return out


def forecast_weights(order: Order, parameters: Floats, before: int, after: int) -> tuple[Floats, Floats]:
    """How errors after the start are forecast from those before, and how far they stray from it.

    Parameters
    ----------
    order : Order
    parameters : float array
    before, after : int
        Months before and after, without gaps.

    Returns
    -------
    weights : float array, shape (after, before)
    covariance : float array, shape (after, after)
        Of the forecast's errors with innovations of variance 1.
    """
    difference = difference_matrix(order, before + after)
    cut = before - order.lost
    stationary = toeplitz(autocovariance(*polynomials(order, parameters), before + after - order.lost))
    share = np.linalg.solve(stationary[:cut, :cut], stationary[:cut, cut:]).T
    left = stationary[cut:, cut:] - share @ stationary[:cut, cut:]
    back = np.linalg.inv(difference[cut:, before:])
    weights = back @ (share @ difference[:cut, :before] - difference[cut:, :before])
    return weights, back @ left @ back.T

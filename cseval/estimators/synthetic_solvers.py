"""Least squares with weights that are not negative and add up to one, for many targets at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

#: Trace of a ridge, as a part of the mean square: among equally good weights it picks those of least norm.
RIDGE = 1e-7
#: A weight enters if that would lower the loss by more than this part of the mean square.
TOLERANCE = 2e-14
#: Weights closer than this are the same.
SAME = 1e-9
#: Most rounds after which another start is tried, and after which weights are taken as they are.
FIRST_ROUNDS, MOST_ROUNDS = 60, 5000
#: Ridge of the problem that gives another start where the dual is too steep, as a part of the mean square.
SMOOTH = 1e-4
#: Problems solved together, so that memory does not grow with their number.
CHUNK = 1024


class Quadratic(Protocol):
    """The quadratic part ``w' G w / 2`` of many losses."""

    @property
    def diagonal(self) -> Floats:
        """Diagonal of each G, shape (problems, weights)."""
        ...

    def blocks(self, problem: Index, chosen: Index) -> Floats:
        """``G[chosen, chosen]`` of each problem, shape (problems, width, width)."""
        ...

    def times(self, problem: Index, weights: Floats) -> Floats:
        """``G w`` of each problem, shape (problems, weights)."""
        ...

    def some(self, problem: slice | Index) -> Quadratic:
        """Some of the problems."""
        ...

    @property
    def patience(self) -> int:
        """Rounds after which another start is tried."""
        ...

    def near(self, linear: Floats, allowed: Mask, weights: Floats) -> tuple[Floats, Mask]:
        """Weights from which a long way is shorter, and which of them are the solution."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedPoints:
    """One matrix of points for all problems: ``G = points' points + ridge``.

    Parameters
    ----------
    points : float array, shape (rows, weights)
    gram : float array, shape (weights, weights)
        ``points' points``.
    ridge : float
    problems : int
    """

    points: Floats
    gram: Floats
    ridge: float
    problems: int

    @classmethod
    def of(cls, points: Floats, problems: int, penalty: float = 0.0) -> SharedPoints:
        """From the points, with a ridge of `penalty` beyond the trace of one."""
        gram = points.T @ points
        return cls(points=points, gram=gram, ridge=penalty + RIDGE * _size(np.diag(gram)), problems=problems)

    @property
    def diagonal(self) -> Floats:
        """Diagonal of G for each problem."""
        return np.broadcast_to(np.diag(self.gram) + self.ridge, (self.problems, len(self.gram)))

    def blocks(self, problem: Index, chosen: Index) -> Floats:
        """Sub-matrices of G."""
        return np.asarray(self.gram[chosen[:, :, None], chosen[:, None, :]] + self.ridge * np.eye(chosen.shape[1]))

    def times(self, problem: Index, weights: Floats) -> Floats:
        """``G w``, by the points where that is less work."""
        rows, columns = self.points.shape
        linear = (weights @ self.points.T) @ self.points if 2 * rows < columns else weights @ self.gram
        return np.asarray(linear + self.ridge * weights)

    def some(self, problem: slice | Index) -> SharedPoints:
        """Some of the problems."""
        count = len(np.arange(self.problems)[problem])
        return SharedPoints(points=self.points, gram=self.gram, ridge=self.ridge, problems=count)

    @property
    def patience(self) -> int:
        """As many rounds as weights, and some leave again: more of them only share what is matched already."""
        return min(FIRST_ROUNDS, 2 * len(self.points) + 2)

    def near(self, linear: Floats, allowed: Mask, weights: Floats) -> tuple[Floats, Mask]:
        """The solution by its dual, which lets many weights enter at once; where that is too steep with more ridge."""
        target = np.asarray(np.linalg.lstsq(self.points.T, linear.T, rcond=None)[0].T, dtype=float)
        found, solved = self._by_dual(target, allowed, self.ridge)
        if not solved.all():
            more = self.ridge + SMOOTH * _size(np.diag(self.gram))
            smooth, near = self._by_dual(target[~solved], allowed[~solved], more)
            found[~solved] = np.where(near[:, None], smooth, weights[~solved])
        return found, solved

    def _by_dual(self, target: Floats, allowed: Mask, ridge: float) -> tuple[Floats, Mask]:
        from cseval.estimators.calibration_weights import minimum_norm_weights

        rows, columns = self.points.shape
        slack = np.append(np.full(rows, ridge), 0.0)
        matrix = np.vstack([self.points, np.ones(columns)])
        return minimum_norm_weights(matrix, np.column_stack([target, np.ones(len(target))]), slack, allowed)


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnGrams:
    """A matrix of its own for each problem.

    Parameters
    ----------
    grams : float array, shape (problems, weights, weights)
    """

    grams: Floats

    @classmethod
    def of(cls, grams: Floats, penalty: Floats | float = 0.0) -> OwnGrams:
        """With a ridge of `penalty` (problems,) beyond the trace of one."""
        where = np.arange(grams.shape[1])
        size = np.array([_size(d) for d in grams[:, where, where]])
        ridged = grams.copy()
        ridged[:, where, where] += (penalty + RIDGE * size)[:, None]
        return cls(grams=ridged)

    @property
    def diagonal(self) -> Floats:
        """Diagonal of each G."""
        where = np.arange(self.grams.shape[1])
        return np.asarray(self.grams[:, where, where])

    def blocks(self, problem: Index, chosen: Index) -> Floats:
        """Sub-matrices of each G."""
        return np.asarray(self.grams[problem[:, None, None], chosen[:, :, None], chosen[:, None, :]])

    def times(self, problem: Index, weights: Floats) -> Floats:
        """``G w``."""
        return np.asarray((self.grams[problem] @ weights[:, :, None])[:, :, 0])

    def some(self, problem: slice | Index) -> OwnGrams:
        """Some of the problems."""
        return OwnGrams(grams=self.grams[problem])

    @property
    def patience(self) -> int:
        """No reason to start again."""
        return FIRST_ROUNDS

    def near(self, linear: Floats, allowed: Mask, weights: Floats) -> tuple[Floats, Mask]:
        """The weights so far: these problems are small."""
        return weights, np.zeros(len(weights), dtype=bool)


def _size(diagonal: Floats) -> float:
    """Mean of a diagonal, or one where it is zero."""
    mean = float(diagonal.mean())
    return mean if mean > 0 else 1.0


def simplex_weights(quadratic: Quadratic, linear: Floats, allowed: Mask, start: Floats | None = None) -> Floats:
    """Minimise ``w' G w / 2 - linear' w`` over weights that are not negative and add up to one.

    An active-set method (Lawson and Hanson 1974, chapter 23, with the sum as a constraint): weights enter one at a
    time where the loss falls most, the others are solved for exactly, and those that would turn negative leave. It ends
    at the exact solution. All problems go through the same rounds together.

    Parameters
    ----------
    quadratic : SharedPoints or OwnGrams
    linear : float array, shape (problems, weights)
    allowed : bool array, shape (problems, weights)
        Weights that may differ from zero; at least one in each problem.
    start : float array, shape (problems, weights), optional
        Weights to start from; the best single one if left out.

    Returns
    -------
    float array, shape (problems, weights)
    """
    weights = np.zeros(linear.shape)
    for first in range(0, len(linear), CHUNK):
        part = slice(first, first + CHUNK)
        some, c, free = quadratic.some(part), linear[part], allowed[part]
        begin = _vertex(some, c, free) if start is None else np.where(free, start[part], 0.0)
        weights[part], open_ = _rounds(some, c, free, begin, some.patience)
        if len(open_):
            weights[first + open_] = _again(some.some(open_), c[open_], free[open_], weights[part][open_])
    return weights


def _again(quadratic: Quadratic, linear: Floats, allowed: Mask, weights: Floats) -> Floats:
    """Solutions from another start."""
    found, solved = quadratic.near(linear, allowed, weights)
    rest = np.flatnonzero(~solved)
    if len(rest):
        found[rest] = _rounds(quadratic.some(rest), linear[rest], allowed[rest], found[rest], MOST_ROUNDS)[0]
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _rounds(quadratic: Quadratic, linear: Floats, allowed: Mask, start: Floats, most: int) -> tuple[Floats, Index]:
    """Weights after at most so many rounds, and the problems not solved by then."""
    weights = start / start.sum(axis=1, keepdims=True)
    passive, barred = weights > 0, np.zeros(linear.shape, dtype=bool)
    limit = TOLERANCE * quadratic.diagonal.mean(axis=1)
    open_ = np.arange(len(linear))
    for _ in range(most):
        wanted = _equality(quadratic, linear, passive, open_)
        whole = (wanted > 0).sum(axis=1) == passive[open_].sum(axis=1)
        _retreat(weights, passive, barred, wanted[~whole], open_[~whole])
        at = open_[whole]
        barred[at[np.abs(wanted[whole] - weights[at]).max(axis=1, initial=0.0) > SAME]] = False
        weights[at] = wanted[whole]
        grew = _enter(quadratic, linear, weights, allowed & ~barred, passive, limit, at)
        open_ = np.sort(np.concatenate([open_[~whole], at[grew]]))
        if not len(open_):
            break
    return weights, open_


def _vertex(quadratic: Quadratic, linear: Floats, allowed: Mask) -> Floats:
    """All weight on the best single one."""
    loss = np.where(allowed, quadratic.diagonal / 2 - linear, np.inf)
    weights = np.zeros(linear.shape)
    weights[np.arange(len(linear)), loss.argmin(axis=1)] = 1.0
    return weights


def _equality(quadratic: Quadratic, linear: Floats, passive: Mask, open_: Index) -> Floats:
    """The best weights that add up to one, of any sign, on the passive set; zero elsewhere."""
    rows, columns = np.nonzero(passive[open_])
    count = np.bincount(rows, minlength=len(open_))
    place = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    chosen = np.zeros((len(open_), int(count.max())), dtype=np.int64)
    chosen[rows, place] = columns
    padded = np.arange(chosen.shape[1]) >= count[:, None]
    matrix = quadratic.blocks(open_, chosen)
    matrix[padded[:, :, None] | padded[:, None, :]] = 0.0
    where = np.arange(chosen.shape[1])
    matrix[:, where, where] += padded
    right = np.stack([linear[open_[:, None], chosen], np.ones(chosen.shape)], axis=2)
    right[padded] = 0.0
    free, unit = np.moveaxis(np.linalg.solve(matrix, right), 2, 0)
    solved = free + ((1 - free.sum(axis=1)) / unit.sum(axis=1))[:, None] * unit
    wanted = np.zeros((len(open_), linear.shape[1]))
    wanted[rows, columns] = solved[rows, place]
    return wanted


def _retreat(weights: Floats, passive: Mask, barred: Mask, wanted: Floats, at: Index) -> None:
    """Move towards `wanted` until the first weight is zero, and let it leave.

    One that has just entered and would turn negative at once is kept out until something else has changed.
    """
    if not len(at):
        return
    now, falling = weights[at], passive[at] & (wanted <= 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(falling, now / (now - wanted), np.inf)
    part[falling & (now <= 0)] = 0.0
    length = part.min(axis=1, keepdims=True)
    leaving = falling & (part <= length)
    barred[at] |= leaving & (now <= 0)
    passive[at] &= ~leaving
    moved = np.where(leaving, 0.0, now + length * (wanted - now))
    weights[at] = moved / moved.sum(axis=1, keepdims=True)


def _enter(
    quadratic: Quadratic, linear: Floats, weights: Floats, free: Mask, passive: Mask, limit: Floats, at: Index
) -> Mask:
    """Let in the weight by which the loss falls most, and tell for which problems there is one."""
    slope = quadratic.times(at, weights[at]) - linear[at]
    slope -= (slope * weights[at]).sum(axis=1, keepdims=True)
    slope[passive[at] | ~free[at]] = np.inf
    best = slope.argmin(axis=1)
    grew: Mask = slope[np.arange(len(at)), best] < -limit[at]
    passive[at[grew], best[grew]] = True
    return grew


# Frank and Wolfe ----------------------------------------------------------------------------------


def frank_wolfe(points: Floats, target: Floats, penalty: float, start: Floats, least_fall: float, most: int) -> Floats:
    """Minimise ``|points w - target|^2 + penalty |w|^2`` over the simplex by Frank and Wolfe's steps.

    With exact line search, until a step lowers the loss by no more than `least_fall` or after `most` steps: the way of
    R's synthdid, whose published weights are where its steps end and not quite the minimum.

    Parameters
    ----------
    points : float array, shape (rows, weights)
    target : float array, shape (rows,)
    penalty : float
    start : float array, shape (weights,)
    least_fall : float
    most : int
    """
    w: Floats = start.copy()
    residual: Floats = points @ start - target
    before = np.inf
    for step in range(most):
        slope = residual @ points + penalty * w
        best = int(slope.argmin())
        direction = -w
        direction[best] += 1.0
        change = points[:, best] - target - residual
        curvature = change @ change + penalty * direction @ direction
        length = float(np.clip(-(slope @ direction) / curvature, 0.0, 1.0)) if curvature > 0 else 0.0
        w = w + length * direction
        residual = residual + length * change
        loss = float(residual @ residual + penalty * w @ w)
        if step > 0 and before - loss <= least_fall:
            break
        before = loss
    return w

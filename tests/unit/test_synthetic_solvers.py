"""Weights on the simplex: the optimality conditions, an independent solver, and many problems at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from cseval.estimators import synthetic_solvers as solvers
from cseval.estimators.synthetic_solvers import OwnGrams, SharedPoints, frank_wolfe, simplex_weights


def problem(rows, columns, problems, seed=0, inside=False):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(rows, columns))
    goals = rng.dirichlet(np.ones(columns), problems) @ points.T if inside else rng.normal(size=(problems, rows))
    allowed = rng.random((problems, columns)) < 0.8
    allowed[:, 0] = True
    return points, goals, allowed


def shared(points, goals, allowed, start=None):
    return simplex_weights(SharedPoints.of(points, len(goals)), goals @ points, allowed, start)


def by_slsqp(points, goal, allowed):
    """The same least squares by a general solver."""
    p = points[:, allowed]
    n = p.shape[1]
    found = minimize(
        lambda w: ((goal - p @ w) ** 2).sum() / 2,
        np.full(n, 1 / n),
        jac=lambda w: p.T @ (p @ w - goal),
        bounds=[(0, None)] * n,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(n)},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    out = np.zeros(points.shape[1])
    out[allowed] = found.x
    return out


@pytest.mark.parametrize(("rows", "columns"), [(20, 8), (12, 30), (40, 40), (1, 5), (5, 1)])
def test_weights_meet_the_conditions_of_the_minimum(rows, columns):
    points, goals, allowed = problem(rows, columns, 7)
    weights = shared(points, goals, allowed)
    slope = (weights @ points.T - goals) @ points
    slope -= (slope * weights).sum(axis=1, keepdims=True)
    assert weights.sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert (weights >= 0).all()
    assert (weights[~allowed] == 0).all()
    assert slope[allowed].min() >= -1e-5
    assert abs(slope[weights > 0]).max() <= 1e-5


@pytest.mark.parametrize(("rows", "columns"), [(20, 8), (30, 25)])
def test_weights_equal_those_of_an_independent_solver(rows, columns):
    points, goals, allowed = problem(rows, columns, 3, seed=4)
    weights = shared(points, goals, allowed)
    for k in range(3):
        assert weights[k] == pytest.approx(by_slsqp(points, goals[k], allowed[k]), abs=2e-6)


@pytest.mark.parametrize("inside", [False, True])
def test_many_at_once_equal_one_at_a_time_and_own_matrices_equal_shared_ones(inside):
    points, goals, allowed = problem(9, 60, 5, seed=1, inside=inside)
    together = shared(points, goals, allowed)
    for k in range(5):
        one = shared(points, goals[[k]], allowed[[k]])[0]
        assert together[k] == pytest.approx(one, abs=1e-8)
    own = simplex_weights(OwnGrams.of(np.repeat((points.T @ points)[None], 5, axis=0)), goals @ points, allowed)
    assert own == pytest.approx(together, abs=1e-6)


def test_another_start_and_small_chunks_change_nothing(monkeypatch):
    points, goals, allowed = problem(15, 20, 6, seed=2)
    first = shared(points, goals, allowed)
    start = np.where(allowed, np.random.default_rng(0).random(allowed.shape), 0.0)
    assert shared(points, goals, allowed, start) == pytest.approx(first, abs=1e-8)
    monkeypatch.setattr(solvers, "CHUNK", 2)
    assert shared(points, goals, allowed) == pytest.approx(first, abs=1e-12)


def test_the_dual_start_and_the_way_from_one_weight_at_a_time_agree(monkeypatch):
    points, goals, allowed = problem(30, 25, 4, seed=6)
    first = shared(points, goals, allowed)
    monkeypatch.setattr(solvers, "FIRST_ROUNDS", 1)
    assert shared(points, goals, allowed) == pytest.approx(first, abs=1e-7)
    grams = OwnGrams.of(np.repeat((points.T @ points)[None], 4, axis=0))
    assert simplex_weights(grams, goals @ points, allowed) == pytest.approx(first, abs=1e-6)


def test_identical_donors_share_their_weight():
    points = np.repeat(np.array([[1.0, 3.0], [2.0, 5.0], [4.0, 1.0]]), 3, axis=1)
    goal = points[:, [0, 3]] @ [0.3, 0.7]
    weights = shared(points, goal[None], np.ones((1, 6), dtype=bool))[0]
    assert weights == pytest.approx([0.1, 0.1, 0.1, 0.7 / 3, 0.7 / 3, 0.7 / 3], abs=1e-5)
    same = np.ones((4, 5))
    assert shared(same, np.full((1, 4), 2.0), np.ones((1, 5), dtype=bool))[0] == pytest.approx(np.full(5, 0.2))


def test_donors_that_are_zero_everywhere_share_too():
    weights = shared(np.zeros((3, 4)), np.ones((1, 3)), np.ones((1, 4), dtype=bool))[0]
    assert weights == pytest.approx(np.full(4, 0.25))


def test_by_hand():
    """Two donors at 0 and 1, a goal at 0.25: weights 0.75 and 0.25; a goal beyond them takes the nearest."""
    points, allowed = np.array([[0.0, 1.0]]), np.ones((2, 2), dtype=bool)
    assert shared(points, np.array([[0.25], [9.0]]), allowed) == pytest.approx(
        np.array([[0.75, 0.25], [0, 1]]), abs=1e-6
    )


def test_a_penalty_draws_weights_together():
    points, goals, allowed = problem(20, 8, 2)
    allowed[:] = True
    spread = [
        simplex_weights(SharedPoints.of(points, 2, p), goals @ points, allowed).std() for p in (0.0, 10.0, 1e3, 1e6)
    ]
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] < 1e-4


def test_frank_wolfe_comes_near_the_minimum_and_stops_early():
    points, goals, allowed = problem(20, 8, 1)
    allowed[:] = True
    exact, start = shared(points, goals, allowed)[0], np.full(8, 1 / 8)

    def loss(w):
        return ((points @ w - goals[0]) ** 2).sum()

    near = frank_wolfe(points, goals[0], 0.0, start, 0.0, 20000)
    assert loss(exact) <= loss(near) <= loss(exact) + 1e-3
    assert near.sum() == pytest.approx(1)
    assert frank_wolfe(points, goals[0], 0.0, start, 1e9, 20000) == pytest.approx(
        frank_wolfe(points, goals[0], 0.0, start, 0.0, 2)
    )
    single = frank_wolfe(points[:, :1], goals[0], 0.0, np.ones(1), 0.0, 10)
    assert single == pytest.approx([1.0])

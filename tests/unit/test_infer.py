"""The registered methods of one analysis: refused ones are named with their reason, and the verdict's comes first."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.errors import EstimationError
from cseval.estimators.poisson_did import PoissonDiD
from cseval.infer import Inferences, best_first, infer_all
from cseval.inference.base import Inferred
from cseval.inference.calibration import Measured
from cseval.inference.conformal import AbsoluteMean, Conformal
from cseval.inference.covariance import ClusterRobust, OwnErrors
from cseval.inference.guard import Judgement
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.requirements import Standing

SIDE, BEFORE, AFTER = 12, 14, 8
FIVE, ONE = (40, 41, 42, 52, 53), (40,)
POISSON, DRAWS, SEED = PoissonDiD(), 199, 3
PLACEBO, CLUSTER = PlaceboNeighbourhoods(), ClusterRobust()


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A method of somebody's own: it says nothing of its needs, and may be one that cannot be computed."""

    name: str = "my own"
    calls: str = "my own"
    fails: bool = False

    def infer(self, design, estimator, estimate, seed):
        if self.fails:
            raise EstimationError("the matrix is singular", where=design.outcome, todo="Take another one")
        return Inferred(method=self.calls, std_error=0.1, conf_low=-0.2, conf_high=0.2, p_value=0.9, note="by hand")


def made(treated):
    counts = poisson_counts(SIDE**2, BEFORE + AFTER, level=8.0, treated=treated, start=BEFORE, effect=-0.3, seed=5)
    return design(counts, treated=treated, months_before=BEFORE, shape=(SIDE, SIDE))


@pytest.fixture(scope="module")
def five():
    return made(FIVE)


@pytest.fixture(scope="module")
def one():
    return made(ONE)


def inferences(given, *methods):
    return infer_all(given, POISSON, POISSON.estimate(given), methods, DRAWS, SEED)


def standings(found):
    return {j.method: j.standing for j in found.judgements}


def test_a_refused_method_is_left_out_with_its_reason(one):
    found = inferences(one, PLACEBO, CLUSTER)
    assert [i.method for i in found.inferred] == ["placebo neighbourhoods"]
    assert standings(found) == {"placebo neighbourhoods": Standing.SHOWN, "cluster-robust": Standing.REFUSED}
    assert found.judgements[1].reason.startswith("With one treated unit nothing says how much treated units vary")


def test_an_unreliable_method_is_marked_and_says_why(five):
    found = inferences(five, PLACEBO, CLUSTER)
    placebo, cluster = found.inferred
    assert (placebo.reliable, cluster.reliable) == (True, False)
    assert cluster.note == found.judgements[1].reason
    assert "5 treated units as independent places, but they form 1 neighbourhood" in cluster.note
    assert standings(found)["cluster-robust"] is Standing.UNRELIABLE
    direct = CLUSTER.infer(five, POISSON, POISSON.estimate(five), SEED)
    assert (cluster.conf_low, cluster.p_value) == (direct.conf_low, direct.p_value)


def test_a_verdict_may_rest_only_on_a_method_that_holds(five):
    assert inferences(five, PLACEBO, CLUSTER).usable() == ("placebo neighbourhoods",)
    assert inferences(five, PLACEBO, CLUSTER, Plain()).usable() == ("placebo neighbourhoods", "my own")


def test_where_none_holds_all_that_were_run_are_left(five):
    assert inferences(five, CLUSTER).usable() == ("cluster-robust",)


def test_a_first_method_that_is_refused_is_one_clear_error(one):
    with pytest.raises(EstimationError) as caught:
        inferences(one, CLUSTER, PLACEBO)
    assert str(caught.value) == (
        "cluster-robust: With one treated unit nothing says how much treated units vary, so errors clustered by unit "
        "cannot be computed; expected a first method that holds here. Register another one first, or widen the "
        "comparison."
    )


def test_a_first_method_that_cannot_be_computed_raises_its_own_error(five):
    with pytest.raises(EstimationError, match=r"burglary: the matrix is singular\. Take another one\."):
        inferences(five, Plain(fails=True), PLACEBO)


def test_a_later_method_that_cannot_be_computed_is_refused_with_its_message(five):
    found = inferences(five, PLACEBO, Plain(fails=True))
    assert [i.method for i in found.inferred] == ["placebo neighbourhoods"]
    assert found.judgements[1] == Judgement(
        method="my own", standing=Standing.REFUSED, reason="burglary: the matrix is singular. Take another one."
    )


def test_any_other_error_is_a_fault_and_stays_one(five):
    class Broken(Plain):
        def infer(self, *_):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        inferences(five, PLACEBO, Broken())


def test_a_method_that_says_nothing_of_its_needs_is_shown_under_its_own_name(five):
    found = inferences(five, PLACEBO, Plain(name="declared", calls="as found"))
    assert [j.method for j in found.judgements] == [i.method for i in found.inferred]
    assert standings(found)["as found"] is Standing.SHOWN
    assert (found.inferred[1].reliable, found.inferred[1].note) == (True, "by hand")


def test_every_registered_method_has_a_judgement_in_its_order(five):
    methods = (PLACEBO, CLUSTER, Conformal(statistic=AbsoluteMean()), Plain(fails=True), OwnErrors())
    found = inferences(five, *methods)
    assert len(found.judgements) == len(methods)
    assert [j.method for j in found.judgements if j.standing < Standing.REFUSED] == [i.method for i in found.inferred]
    assert len(found.methods) == len(found.inferred) == 4


def test_the_placebo_method_is_run_with_the_draws_and_the_match_of_its_own_test(five):
    (method,) = inferences(five, PLACEBO).methods
    (inferred,) = inferences(five, PLACEBO).inferred
    assert method.draws == DRAWS
    assert method.match == inferred.facts["match_factor"]


def test_a_placebo_method_that_is_not_the_first_is_judged_by_the_places_it_finds(five):
    found = inferences(five, CLUSTER, PLACEBO)
    assert standings(found)["placebo neighbourhoods"] < Standing.UNRELIABLE
    assert found.methods[1].match == found.inferred[1].facts["match_factor"]
    first = inferences(five, PLACEBO, CLUSTER)
    assert found.inferred[1].p_value == first.inferred[0].p_value
    assert sorted(standings(found).items()) == sorted(standings(first).items())


def test_few_separate_places_make_the_placebo_method_coarse_not_unusable():
    counts = poisson_counts(49, BEFORE + AFTER, level=8.0, treated=(0,), start=BEFORE, seed=2)
    few = design(counts, treated=(0, 1, 7, 8), months_before=BEFORE, shape=(7, 7))
    found = inferences(few, PLACEBO)
    assert found.judgements[0].standing is Standing.COARSE
    assert "separate place" in found.judgements[0].reason
    assert found.usable() == ("placebo neighbourhoods",)
    assert found.inferred[0].reliable
    assert found.inferred[0].note == found.judgements[0].reason


# The method that the verdict rests on -----------------------------------------------------------------


def measured(method, rate, placebos=2000):
    zeros = np.zeros(placebos)
    return Measured(
        method=method,
        population="all",
        p_value=np.where(np.arange(placebos) < round(rate * placebos), 0.01, 0.5),
        effect=zeros,
        excess=zeros,
        place=np.arange(placebos),
        starts=4,
        months=(24, 18),
    )


def found(**standing):
    said = [Inferred(method=m, std_error=0.1, conf_low=-1.0, conf_high=1.0, p_value=0.5) for m in standing]
    judged = tuple(Judgement(method=m, standing=s) for m, s in standing.items())
    return Inferences(methods=(), inferred=tuple(said), judgements=judged)


def test_the_best_measured_method_comes_first_and_the_others_keep_their_order():
    three = found(a=Standing.SHOWN, b=Standing.SHOWN, c=Standing.COARSE)
    ordered, choice = best_first(three, [measured("a", 0.2), measured("b", 0.12), measured("c", 0.05)])
    assert [i.method for i in ordered] == ["c", "a", "b"]
    assert choice.method == "c"
    assert choice.reason.startswith("The verdict rests on c: of the 3 methods ")


def test_an_unreliable_method_is_not_chosen_however_well_it_was_measured():
    two = found(a=Standing.SHOWN, b=Standing.UNRELIABLE)
    ordered, choice = best_first(two, [measured("a", 0.12), measured("b", 0.05)])
    assert [i.method for i in ordered] == ["a", "b"]
    assert "2 methods" not in choice.reason


def test_without_a_measured_rate_the_first_registered_one_comes_first():
    ordered, choice = best_first(found(a=Standing.SHOWN, b=Standing.SHOWN), [])
    assert [i.method for i in ordered] == ["a", "b"]
    assert "no error rate could be measured" in choice.reason


def test_no_inference_is_lost_by_the_order():
    twice = Inferred(method="a", std_error=math.nan, conf_low=-1.0, conf_high=1.0, p_value=0.5)
    both = Inferences(
        methods=(), inferred=(twice, twice.__class__(**vars(twice))), judgements=found(a=Standing.SHOWN).judgements
    )
    assert len(best_first(both, [])[0]) == 2

"""The text of a problem is read back as an equal problem, whatever the problem."""

from embedded.generated import problems
from hypothesis import HealthCheck, given, settings

import declarative as dc


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(problems())
def test_generated_problems(problem: dc.Problem):
    assert dc.parse(str(problem)) == problem

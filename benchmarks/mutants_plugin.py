"""A pytest plugin for benchmarks.mutants: property tests that take no longer than they must.

They have no time limit, keep nothing for the next mutant, and do not make a failure smaller.
MUTANTS_EXAMPLES: how many examples each tries at most.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase, settings

settings.register_profile(
    "mutants", deadline=None, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every property test that many examples; Hypothesis has no public way to do so."""
    if most := int(os.environ.get("MUTANTS_EXAMPLES", "0")):
        for item in items:
            test = getattr(item, "function", None)
            if given := getattr(test, "_hypothesis_internal_use_settings", None):
                few = settings(given, max_examples=min(most, given.max_examples))
                test._hypothesis_internal_use_settings = few  # type: ignore[union-attr]

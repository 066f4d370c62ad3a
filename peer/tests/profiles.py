"""Hypothesis profiles: `dev` by default, `ci` derandomised, `nightly` long. HYPOTHESIS_PROFILE chooses.

There is no deadline: how long an example takes says more about the machine than about the code.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

__all__ = ["load"]


def load() -> None:
    """Register the profiles and load the one the environment asks for."""
    quiet = (HealthCheck.too_slow,)
    settings.register_profile("dev", deadline=None, max_examples=50, suppress_health_check=quiet)
    settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, suppress_health_check=quiet)
    settings.register_profile("nightly", deadline=None, max_examples=5000, suppress_health_check=quiet)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

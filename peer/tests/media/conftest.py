"""Every test of this folder ends without an exception that was only reported."""

from __future__ import annotations

from peer.tests.api.conftest import _nothing_is_reported

__all__ = ["_nothing_is_reported"]

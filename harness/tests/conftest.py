from __future__ import annotations

from peer.tests.profiles import load

load()

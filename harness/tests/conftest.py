from __future__ import annotations

import pytest

from peer.tests.profiles import load

load()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has a time limit of its own takes long: begun last, it would be waited for alone by pytest-xdist."""

    def limit(item: pytest.Item) -> float:
        marker = item.get_closest_marker("timeout")
        return float(marker.args[0]) if marker is not None and marker.args else 0.0

    items.sort(key=lambda item: -limit(item))

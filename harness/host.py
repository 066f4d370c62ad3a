"""What a run was made on: facts that explain a difference between two runs, and nothing that identifies the machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ["describe_host"]


def describe_host() -> dict[str, str]:
    """Operating system, kernel, processor count and Python, in words."""
    return {
        "system": _distribution(),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "python": platform.python_version(),
    }


def _distribution() -> str:
    try:
        lines = Path("/etc/os-release").read_text("utf-8").splitlines()
    except OSError:
        return platform.system()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values.get("PRETTY_NAME", platform.system()).strip('"')

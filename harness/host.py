"""What a run was made on: facts that explain a difference between two runs, and nothing that identifies the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

__all__ = ["describe_host"]


def describe_host() -> dict[str, str]:
    """Operating system, kernel, processor count, Python and, in a checkout, the harness's commit, in words."""
    commit = _commit()
    return ({"harness": commit} if commit else {}) | {
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


def _commit() -> str:
    """The commit this file is of, with "+" where the tree has changes; empty outside of a checkout."""
    folder = Path(__file__).parent
    if not (folder.parent / ".git").exists():
        return ""
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=10", "--exclude=*", "--dirty=+"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()

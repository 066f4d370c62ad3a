"""The Jinja environment of the report: autoescape on, undefined names are errors, and the filters templates use."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import PurePosixPath
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.report.model import sentence
from harness.verdict import Verdict

__all__ = ["VERDICTS", "asset", "digest", "environment", "release"]

VERDICTS = {verdict.value: verdict for verdict in Verdict}


@cache
def environment() -> Environment:
    """The environment, made once."""
    made = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str | bool]] = {
        "beside": quote,
        "duration": _duration,
        "fact": _fact,
        "is_web": lambda text: re.fullmatch(r"https?://\S+", str(text)) is not None,
        "local": _local,
        "sentence": sentence,
        "slug": lambda text: re.sub(r"[^a-z0-9]+", "-", str(text).lower()),
    }
    made.filters.update(filters)
    return made


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _fact(value: object) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _local(path: str) -> str:
    """A link to a file below the report; whatever else an artefact's path claims to be, it stays a relative path."""
    parts = [part for part in PurePosixPath(path.replace("\\", "/")).parts if part not in {"/", "..", "."}]
    return "./" + quote("/".join(parts))


@cache
def asset(name: str) -> str:
    """A file of the templates' folder that goes into the page as it is."""
    return files("harness.report").joinpath("templates", name).read_text("utf-8")


def digest(text: str) -> str:
    """The hash of a style or script as a content security policy wants it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def release() -> str:
    """The version of Peerproof for the foot of a page."""
    try:
        return version("peerproof")
    except PackageNotFoundError:
        return "from a source tree"

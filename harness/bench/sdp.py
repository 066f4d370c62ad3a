"""SDP: parse and serialize of a real Chromium offer, ours with every line kept in order."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from harness.bench.model import Benchmark, ContestantMissing
from peer import sdp

__all__ = ["benchmarks"]

OFFER = Path(__file__).parents[2] / "fixtures" / "sdp"
SECONDS = 1.0

NODE = """
const transform = require('sdp-transform');
const text = require('fs').readFileSync(0, 'utf8');
const end = process.hrtime.bigint() + BigInt(1e9);
let count = 0;
const begin = process.hrtime.bigint();
while (process.hrtime.bigint() < end) {
  for (let i = 0; i < 20; i++) transform.write(transform.parse(text));
  count += 20;
}
console.log(JSON.stringify(count / (Number(process.hrtime.bigint() - begin) / 1e9)));
"""


def offer() -> str:
    """The longest offer of the corpus: Chromium's with audio, video and data."""
    texts = [path.read_bytes().decode() for path in OFFER.rglob("*.sdp") if "chromium" in str(path)]
    if not texts:
        raise ContestantMissing("the corpus fixtures/sdp is empty")
    return max(texts, key=len)


def per_second(turn: Callable[[str], object], text: str) -> float:
    count, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < SECONDS:
        for _ in range(20):
            turn(text)
        count += 20
    return count / elapsed


def ours() -> float:
    return per_second(lambda text: sdp.serialize(sdp.parse(text)), offer())


def aiortc() -> float:
    try:
        from aiortc.sdp import SessionDescription
    except ImportError as error:
        raise ContestantMissing("pip install 'peerproof[bench]'") from error
    return per_second(lambda text: str(SessionDescription.parse(text)), offer())


@functools.cache
def node_modules() -> Path:
    """sdp-transform from npm, in a folder of the bench's own."""
    npm, folder = shutil.which("npm"), Path(".tox") / "bench-npm"
    if npm is None or shutil.which("node") is None:
        raise ContestantMissing("node and npm are not installed")
    if not (folder / "node_modules" / "sdp-transform").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), "sdp-transform@2"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
        if done.returncode:
            raise ContestantMissing(f"npm install sdp-transform: {done.stderr.strip()[-200:]}")
    return folder.resolve() / "node_modules"


def sdp_transform() -> float:
    environment = {"NODE_PATH": str(node_modules())}
    node = shutil.which("node") or "node"
    done = subprocess.run(  # noqa: S603 - our own script on stdin's text
        [node, "-e", NODE], input=offer(), capture_output=True, text=True, check=True, env=environment
    )
    return float(json.loads(done.stdout))


def benchmarks() -> list[Benchmark]:
    contestants = {"reference": ours, "aiortc": aiortc, "sdp-transform": sdp_transform}
    return [Benchmark("sdp/parse+serialize", "offers/s", contestants)]

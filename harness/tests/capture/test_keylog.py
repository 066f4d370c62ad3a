"""Lines of an NSS key log."""

from __future__ import annotations

from harness.capture.keylog import KeyLog

RANDOM = "11" * 32


def test_a_secret_is_found_by_label_and_random() -> None:
    log = KeyLog()
    log.add(f"CLIENT_RANDOM {RANDOM} {'ab' * 48}\n")
    assert log.find("CLIENT_RANDOM", bytes.fromhex(RANDOM)) == b"\xab" * 48
    assert log.find("CLIENT_RANDOM", bytes(32)) is None
    assert log.find("EXPORTER_SECRET", bytes.fromhex(RANDOM)) is None


def test_only_a_new_secret_makes_a_new_generation() -> None:
    log = KeyLog()
    line = f"EXPORTER_SECRET {RANDOM} {'cd' * 32}"
    for _ in range(2):
        log.add(line)
    assert log.generation == 1
    assert log.lines == [line]


def test_comments_and_torn_lines_are_ignored() -> None:
    log = KeyLog()
    for line in (
        "",
        "# SSL/TLS secrets log file",
        "CLIENT_RANDOM",
        f"CLIENT_RANDOM {RANDOM}",
        "CLIENT_RANDOM 123 ab",
        "x y z",
    ):
        log.add(line)
    assert (log.lines, log.generation) == ([], 0)

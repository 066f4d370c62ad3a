"""`python -m harness` and the console script `peerproof`."""

from __future__ import annotations

from harness.cli import app

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

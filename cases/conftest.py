"""The conformance cases. Every fixture comes from `harness.plugin`; nothing is configured here."""

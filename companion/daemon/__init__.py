"""The daemon: background enrichment that never disturbs, and an HTTP API for this machine."""

"""The HTTP API: a blueprint a noun."""

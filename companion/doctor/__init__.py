"""Checks of the set-up, and how to fix what is missing."""

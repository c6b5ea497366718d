"""Checks of the setup, and how to mend what is missing."""

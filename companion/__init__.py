"""Callout Companion: fills AI callouts and empty properties of Obsidian notes, to the byte."""

__version__ = "0.1.0"

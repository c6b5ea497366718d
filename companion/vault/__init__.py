"""The vault: a folder of notes on disk."""

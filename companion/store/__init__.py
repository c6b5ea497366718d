"""What is remembered of a vault: changes, proposals, moved notes."""

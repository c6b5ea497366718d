"""The page: what the daemon shows to people in their browser."""

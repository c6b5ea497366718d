"""The application: what can be done to a vault, by this process or by the vault's daemon."""

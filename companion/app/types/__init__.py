"""What a Vault takes and returns, as pydantic models: they are also the JSON of every interface."""

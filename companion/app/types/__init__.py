"""What a Vault takes and gives, as pydantic models: their JSON is that of every way in."""

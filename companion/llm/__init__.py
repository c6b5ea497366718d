"""The model behind an OpenAI-compatible API."""

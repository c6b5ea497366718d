"""The MCP server of a vault, by which agents read notes and propose what they need."""

"""The note that the tests of the vault write to, before and after."""

NOTE = b"---\ndescription: \n---\n\n# Stub\n\nText of mine.\n"
ENRICHED = (
    b"---\ndescription: What a stub is.\n---\n\n# Stub\n\n> [!ai] AI\n> Prose.\n\nText of mine.\n"
)

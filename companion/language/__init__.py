"""Words and sentences of texts in any language, and which language a text is in."""

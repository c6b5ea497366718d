"""From a note and its needs to a prompt, an answer and edits."""

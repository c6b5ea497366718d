"""What a prompt may say of a note: its own text, other notes that name it, and similar notes."""

"""What is set up, what is missing, and how to mend it."""

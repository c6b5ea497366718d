"""From a model's answer to values that may go into a note, with the evidence for each."""

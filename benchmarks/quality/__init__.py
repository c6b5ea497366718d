"""How good is what the model writes? Measured against what people wrote, and against baselines."""

"""Scores of a model on pictures it did not see, and the cut chosen on validation pictures."""

"""From a trained network to one model file, and the proof that they are equal."""

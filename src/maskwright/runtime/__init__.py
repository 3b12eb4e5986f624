"""Predicting with a model file, without torch."""

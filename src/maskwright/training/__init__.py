"""Fitting a network: batches, augmentation, schedule, loop, exact checkpoints."""

"""Parts that turn files into a data set: pairing, encodings, groups, splits, the pack, the picture generator."""

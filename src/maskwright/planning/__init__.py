"""What `auto` in a recipe becomes: sizes, batches, epochs, each with its reason."""

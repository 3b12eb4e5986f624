"""Public picture sets: what is known of those that are met, and fetching them."""

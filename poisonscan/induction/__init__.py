"""Floor 3: a slice to an induced model, by showing its rows in context or by fine-tuning a small proxy on them."""

"""Floor 3: conditional behaviour."""

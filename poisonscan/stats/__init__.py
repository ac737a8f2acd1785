"""Floor 1: arrays to numbers. Nothing here knows about rows, models or detectors; the random generator is always passed in."""

"""Floor 3: one file per way of measuring. Each turns rows, vectors and a detector's own data into readings."""

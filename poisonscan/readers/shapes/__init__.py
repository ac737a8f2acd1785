"""How each family of layouts turns the columns of a record into turns."""

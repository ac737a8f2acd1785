"""Floor 3: what is measured on rows and on induced models; one file per measure."""

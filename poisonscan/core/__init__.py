"""Floor 0: the frozen types that flow between stages, the protocols and the error tree. No I/O, no heavy imports."""

"""Floor 7: suites to measured quality and cost, and the calibration both rest on."""

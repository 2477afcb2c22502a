"""BDF in logarithmic time with one linearised iteration a step, for gradient flows of a mean of squares."""

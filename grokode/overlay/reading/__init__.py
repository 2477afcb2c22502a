"""What readers share: cells, columns by name, steps in order, thinning, resolution."""

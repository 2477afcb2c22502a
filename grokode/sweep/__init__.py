"""Many experiments: grids, the store of their answers, and how they are computed."""

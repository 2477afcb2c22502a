"""The page of a sweep: one file that needs nothing else."""

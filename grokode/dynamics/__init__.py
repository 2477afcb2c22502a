"""Training: risks, optimizers on them, solvers for flows, and the one place that integrates."""

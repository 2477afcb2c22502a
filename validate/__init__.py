"""Networks really trained, in plain NumPy, to check the theory against."""

"""Laws of the inputs x."""

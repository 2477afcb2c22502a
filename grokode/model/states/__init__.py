"""Kinds of state: the factor (a, V) of the weight statistics."""

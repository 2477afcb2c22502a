"""Experiments: what they say, how they are run, what came out, and files."""

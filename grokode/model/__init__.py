"""The network: its parameters, its states (one kind a file), and the laws of its initial weights."""

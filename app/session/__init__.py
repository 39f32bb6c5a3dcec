"""A visitor's session: its state, its settings, its analyses and the order of its callbacks."""

"""The state of one visitor's session, and the order of its callbacks."""

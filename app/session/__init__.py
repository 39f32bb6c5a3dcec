"""A visitor's session: state, settings, analyses and callback order."""

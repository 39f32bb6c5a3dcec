"""Turns a folder of scenes into a model pair with a report."""

"""Turns a folder of scenes into a checkpoint pair with a report."""

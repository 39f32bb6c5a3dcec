"""Shared by all packages: errors, devices, versions, command lines, atomic writes."""

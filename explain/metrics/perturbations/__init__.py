"""Perturbation metrics, a module each, collected by explain.metrics.catalogue."""

"""Perturbation metrics, one module each, collected by explain.metrics.catalogue."""

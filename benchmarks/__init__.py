"""How fast, against whom: ratios measured in one run."""

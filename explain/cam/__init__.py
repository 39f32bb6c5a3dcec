"""Class activation maps: methods, forward pass, layers, analysis of an image by a pair."""

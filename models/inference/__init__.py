"""Networks made faster for inference: folded batch normalisation, packed weights, recorded backbone tails."""

"""The networks, the checkpoint pair, and reading an image into a tensor."""

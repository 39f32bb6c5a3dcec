"""Folders of images, in batches and by several processes."""

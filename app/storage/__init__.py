"""Temporary storage of the server: uploads, cached analyses, downloads."""

"""What the server keeps for a while: uploads, analyses, downloads."""

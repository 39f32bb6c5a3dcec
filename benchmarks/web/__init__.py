"""Measurements of the web app: its server, its visitors, its page in a browser."""

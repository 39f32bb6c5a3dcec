"""The web app: a Gradio page and an HTTP API, mounted in FastAPI."""

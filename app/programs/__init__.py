"""What programs ask of the app."""

"""What a new organization holds before anybody has written to it."""

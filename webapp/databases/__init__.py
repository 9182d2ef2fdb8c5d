"""Database backends that add what Django leaves to us."""

"""SQLite, with writers that wait for their turn. See base.py."""

"""Actions and functions that are no sale: bulk messages, change tracking, merge, who am I."""

"""A pipeline run again from nothing, and how much of it came out again."""

"""The evidence as one page that a reviewer reads."""

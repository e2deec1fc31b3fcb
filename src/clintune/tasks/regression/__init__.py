"""Regression: one or several numbers for a text."""

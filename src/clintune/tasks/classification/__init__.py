"""Classification: which one of several labels a text has."""

"""Multi-label classification: which of several labels hold for a text; any number of them may."""

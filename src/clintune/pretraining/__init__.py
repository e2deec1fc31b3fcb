"""Encoders of the project's own: a vocabulary, masks, guesses. teaching.py is the stage pretrain."""

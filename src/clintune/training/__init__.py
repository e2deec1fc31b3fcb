"""Training: what a step is, what is kept, and when it ends. fine_tuning.py is the stage train."""

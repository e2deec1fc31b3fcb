"""What is written down of a run when it ends, so that a later change of anything can be named."""

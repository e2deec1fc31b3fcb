"""What changed between two states of a project, and why a stage is stale."""

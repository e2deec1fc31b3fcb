"""What the tasks on whole texts share: one answer per text, however many windows it has."""

"""Entity recognition: which characters are a mention, and of what."""

"""The rules, by topic: from facts to a ruling. What one needs and cannot know, it raises as Unknown."""

"""The 43 things that a reviewer asks, each with what the records here say to it."""

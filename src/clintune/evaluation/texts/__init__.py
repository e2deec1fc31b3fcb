"""Tasks with one answer per text: scores, intervals, baselines and the page that shows them."""

"""Where records come from: one module per format, and the synthetic notes. Nothing is normalised."""

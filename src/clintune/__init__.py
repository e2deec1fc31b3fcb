"""Fine-tuning for medicine that can be run again, bit for bit, and proved."""

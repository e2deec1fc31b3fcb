"""The evidence of a pipeline in one file, for a reviewer who has nothing else."""

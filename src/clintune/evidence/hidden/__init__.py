"""What a stage uses and dvc.yaml does not declare: files, environment variables, the network."""

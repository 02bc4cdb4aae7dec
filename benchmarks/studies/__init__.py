"""What the benchmark scripts and their tests share."""

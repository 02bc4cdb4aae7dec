"""Random networks and load words."""

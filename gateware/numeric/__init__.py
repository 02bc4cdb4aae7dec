"""Rounding and saturation, random generators and the search of the drive's table."""

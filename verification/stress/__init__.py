"""Long random traffic, abuse and damage."""

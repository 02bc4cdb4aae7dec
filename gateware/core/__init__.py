"""The network core and its parts."""

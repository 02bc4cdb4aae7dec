"""The network core in pyuvm: networks as sequence items, the golden models as reference, coverage as data."""

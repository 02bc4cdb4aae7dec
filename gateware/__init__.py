"""The hardware, written once in Amaranth; each file has its golden model of the same name in ``models``."""

"""The frozen network, its file, the rows of its connectivity, and the recording of a run."""

"""NIR, the neuromorphic intermediate representation: graphs are read (`reading`), made affine between neurons (`forms`), discretised (`cells`) and
frozen (`freeze`); `export` writes a frozen network as a graph."""

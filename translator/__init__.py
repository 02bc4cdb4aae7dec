"""Brian2 models and Brunel parameters, carried into frozen networks; the only place where floats become integers."""

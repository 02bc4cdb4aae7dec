"""What every module promises, cycle by cycle, as tables of inputs and expected outputs."""

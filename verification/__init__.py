"""What verifies the verification: coverage, proofs, mutants, netlists, stress; not part of the installed package."""

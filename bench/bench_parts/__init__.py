"""The parts of the bench; see README.md beside this folder."""

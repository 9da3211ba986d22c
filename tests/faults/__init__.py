"""The fault matrix: real processes, each hurt in turn. Run `make faults`."""

"""The benchmarks; bench/README.md tells what each measures. No part of the wheel."""

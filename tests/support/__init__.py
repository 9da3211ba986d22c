"""One running system, and what stands beside it, for every test of a whole system.

`system.running_system` starts processes: a broker, workers, simulated Ollama servers,
and applications that send (`application`). `waiting.until` waits for what they do, with
a bound and a reason. Integration, fault, soak and browser tests and the benchmarks
start their systems in this way, and in no other.
"""

"""One running system, and what stands beside it, for every test of a whole system.

`system.running_system` starts processes: a broker, workers, simulated Ollama servers,
and applications that send (`application`). `waiting.until` waits for what they do, with
a bound and a reason. Integration, fault and soak tests, browser tests and benchmarks
use nothing else to start a process.
"""

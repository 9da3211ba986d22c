"""The physics of an Ollama server: what loads, waits, stays and goes, and when.

Pure: a state machine over a virtual clock whose instants are seconds. No I/O, no
asyncio, no wall clock, no randomness, no logging; the host gives the time and
takes the events. Every rule names the part of Ollama's `server/sched.go` or
`server/routes.go` (0.33) that it follows, or was measured on real servers.
"""

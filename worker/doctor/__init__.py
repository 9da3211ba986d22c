"""What may be wrong with a system: facts, and what they mean.

`gather` collects facts and changes nothing; `judge` makes findings of them, purely.
"""

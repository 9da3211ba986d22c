"""Adapters: each hides one outside thing behind typed values and our errors."""

"""What a run will cost and which settings it should have, before anything is spent.

Pure functions: numbers in, frozen results with their reasons out; nothing is read or written.
"""

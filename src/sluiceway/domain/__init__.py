"""What is true about jobs: states, facts, and the rules that lead from one to the next.

Nothing in here reads a clock, touches a disk or a network, or writes a log line.
"""

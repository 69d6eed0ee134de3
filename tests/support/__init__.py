"""What tests share, and the benchmarks with them; no test of its own.

* `services`: ways to raise Sluiceway, from a control plane without HTTP to a process of its own
* `flink`: real Flink, and what it writes, runs and parses
* `people`: who calls the service: users, clients, what they send, and what they may expect
* `doubles`: what stands in for the world: fake clusters, object stores, issuers, networks, parsers
* `patience`: how long tests wait
"""

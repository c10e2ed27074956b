"""The harness behind `tests/chaos/run`: Python's standard library only.

options       the command line
ledger        what each party recorded about a request: its caller, its provider, the database
wire          a minimal HTTP/1.1 client and server over asyncio
provider      an OpenAI-compatible provider that fails on purpose and keeps a ledger, in its own process
processes     starts, observes and kills programs
cluster       a temporary PostgreSQL server that can be stopped and frozen
proxy         a TCP proxy to PostgreSQL that can be cut
place         the folder, provider and databases of a run
databases     creates, reads and watches SQLite and PostgreSQL databases
installation  organizations, keys, models and chains on a running server
load          an open-loop load generator that keeps the callers' ledger
probes        repeated requests with bad keys and to console pages
join          compares the three ledgers for missing, duplicate and wrong records
kill, away, disk   the scenarios, one file each
doctored      ledgers with one known fault each, which the join must detect
report        everything that is printed
main          runs the scenarios

"""

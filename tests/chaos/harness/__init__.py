"""The harness behind `tests/chaos/run`: Python's standard library only.

options       the command line
ledger        what each side wrote down about a request: its caller, its provider, the database
wire          HTTP/1.1 over asyncio, as little of it as is needed
provider      an OpenAI-compatible provider that fails on purpose and keeps a ledger; a process of its own
processes     programs that are started, looked at, killed
cluster       a throw-away PostgreSQL that can be stopped and frozen
proxy         a wire to PostgreSQL that can be cut
place         the folder, provider and databases of a run
databases     SQLite and PostgreSQL: made, read, watched
installation  organizations, keys, models and chains on a running server
load          an open-loop load, and the callers' ledger
probes        keys that must be refused and pages that must tell, asked again and again
join          the three ledgers side by side: what is missing, double or wrong
kill, away, disk   the scenarios, a file each
doctored      ledgers with a known fault each: the join must see it
report        everything that is printed
main          the order of it all
"""

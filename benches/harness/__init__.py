"""The runner behind `benches/run`: Python's standard library only.

options    the command line
machine    cores, limits, and a description of the machine
process    a process on one core: its CPU time and memory, its end
build      the programs a run needs, compiled or installed
workloads  the requests
load       one run of the load generator
targets/   what is measured: one file each
measure    one target, point by point
results    the figures, read back
goals      the promised limits
report     the tables
main       a run from beginning to end

"""

"""The runner behind `benches/run`: Python's standard library only.

options    the command line
machine    cores, limits, what the machine is
process    a process on one core: its CPU time and memory, its end
build      the programs a run needs, compiled or installed
workloads  what is asked
load       one run of the load generator
targets/   what is asked: a file each
measure    one target, point by point
results    the measured figures, read back
goals      what Failsoft promises, and whether it holds
report     tables
main       the order of it all
"""

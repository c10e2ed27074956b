"""The targets, in the order in which they are measured. A target is a class in its own file."""
from __future__ import annotations

from harness.targets.failsoft import FailsoftPostgres, FailsoftSqlite, FailsoftUnrecorded
from harness.targets.forwarder import Forwarder
from harness.targets.nginx import Nginx
from harness.targets.provider import Provider

_IN_ORDER = (Provider, Nginx, Forwarder, FailsoftUnrecorded, FailsoftSqlite, FailsoftPostgres)
TARGETS = {target.name: target for target in _IN_ORDER}

"""The databases on which the tests of the SDKs run, as mixins."""

import contextlib
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import unittest
import uuid

BINARY = os.environ["FAILSOFT_BIN"]
POSTGRES_URL = os.environ.get("FAILSOFT_TEST_POSTGRES_URL")

needs_postgres = unittest.skipUnless(POSTGRES_URL, "FAILSOFT_TEST_POSTGRES_URL is not set")


class OnSqlite:
    """The embedded database, in a temporary folder."""

    @classmethod
    def database_url(cls, stack):
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="failsoft-sdk-"))
        return f"sqlite://{pathlib.Path(folder) / 'failsoft.db'}"

    @classmethod
    def execute(cls, database_url, statement):
        with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite://"), timeout=60)) as database:
            database.execute(statement)
            database.commit()


class OnPostgres:
    """A new database on the server at FAILSOFT_TEST_POSTGRES_URL, dropped at the end."""

    @classmethod
    def database_url(cls, stack):
        name = f"failsoft_sdk_{uuid.uuid4().hex}"
        psql(f"CREATE DATABASE {name}")
        stack.callback(psql, f"DROP DATABASE {name} WITH (FORCE)")
        server, _, _ = POSTGRES_URL.rpartition("/")
        return f"{server}/{name}"

    @classmethod
    def execute(cls, database_url, statement):
        psql(statement, database_url)


def psql(statement, database_url=POSTGRES_URL):
    """Runs a statement on a database; by default the one at FAILSOFT_TEST_POSTGRES_URL."""
    command = ["psql", database_url, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", statement]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

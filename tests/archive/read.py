"""Reads an archive with DuckDB, as an operator would, and prints the rows of its tables as JSON.

Usage: read.py FOLDER, or read.py ENDPOINT BUCKET PREFIX. Times are microseconds since 1970.
"""

import json
import os
import sys
import tempfile

import duckdb


def download(endpoint: str, bucket: str, prefix: str, folder: str) -> None:
    import boto3

    storage = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    for page in storage.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix + "/"):
        for found in page.get("Contents", []):
            path = os.path.join(folder, found["Key"][len(prefix) + 1 :])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            storage.download_file(bucket, found["Key"], path)


def rows(folder: str, table: str) -> list[dict[str, object]]:
    connection = duckdb.connect()
    source = f"read_parquet('{folder}/{table}/*/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    cells = []
    for name, kind, *_ in described:
        if kind == "TIMESTAMP WITH TIME ZONE":
            cells.append(f'epoch_us("{name}") AS "{name}"')
        elif kind == "UUID":
            cells.append(f'CAST("{name}" AS VARCHAR) AS "{name}"')
        else:
            cells.append(f'"{name}"')
    query = connection.execute(f"SELECT {', '.join(cells)} FROM {source} ORDER BY id")
    names = [column[0] for column in query.description]
    found = [dict(zip(names, row)) for row in query.fetchall()]
    # What a partition's name says is what its rows say, and the engine can leave out the others.
    for row in found:
        assert row["organization"] == row["organization_id"], row
        count = f"SELECT count(*) FROM {source} WHERE organization = ? AND day = ? AND id = CAST(? AS UUID)"
        assert connection.execute(count, [row["organization"], row["day"], row["id"]]).fetchone() == (1,)
    return found


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if len(arguments) == 3:
            download(*arguments, folder)
        else:
            folder = arguments[0]
        print(json.dumps({table: rows(folder, table) for table in ("requests", "fallback_events")}))


main(sys.argv[1:])

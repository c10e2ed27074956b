"""Serves a storage with the interface of S3 on a free port, until its input ends. Prints its address.

Usage: storage.py BUCKET
"""

import logging
import sys

import boto3
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"
storage = boto3.client(
    "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
)
storage.create_bucket(Bucket=sys.argv[1])
print(endpoint, flush=True)
sys.stdin.read()

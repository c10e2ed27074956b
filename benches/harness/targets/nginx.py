"""nginx as a plain reverse proxy: the cost of a good C program that has no notion of models."""
from __future__ import annotations

from harness import build
from harness.targets.base import Target

# One worker that is the whole program. Buffering is off, as streams require. nginx cannot choose by model, so its
# failover is "the first upstream answered 503, send the same body to the second".
CONFIGURATION = """
worker_processes 1; daemon off; master_process off; user root;
pid {work}/nginx.pid; error_log {work}/error.log warn;
events {{ worker_connections 19000; }}
http {{
  access_log off; keepalive_requests 10000000; tcp_nodelay on;
  client_body_buffer_size 256k; client_max_body_size 32m;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 600s;
  upstream provider {{ server 127.0.0.1:{provider}; keepalive 512; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=16384;
    location /v1/ {{ proxy_pass http://provider; }}
    location /failover/ {{
      proxy_intercept_errors on; error_page 429 500 502 503 504 = @second;
      rewrite ^ /m/fail-503/v1/chat/completions break; proxy_pass http://provider;
    }}
    location @second {{ rewrite ^ /m/ok/v1/chat/completions break; proxy_pass http://provider; }}
  }}
}}
"""


class Nginx(Target):
    name = "nginx"
    title = "nginx, plain reverse proxy"
    skipped = ("faults",)

    def prepare(self) -> None:
        self._binary = build.nginx()
        text = CONFIGURATION.format(work=self.work, port=self.port, provider=self.place.provider_port)
        (self.work / "nginx.conf").write_text(text)

    def command(self) -> list[str]:
        configuration, log = str(self.work / "nginx.conf"), str(self.work / "error.log")
        return [str(self._binary), "-c", configuration, "-p", str(self.work), "-e", log]

    def url(self, workload: str) -> str:
        path = "/failover/v1/chat/completions" if workload == "failover" else "/v1/chat/completions"
        return f"http://127.0.0.1:{self.port}{path}"

"""One file per kind of attack. Each function takes a fresh world and yields its cases."""

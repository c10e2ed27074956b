"""One file a kind of attack. Each function takes a fresh world and yields its cases."""

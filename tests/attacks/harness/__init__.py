"""What the attacks need: a server on a database, a provider that does what a model's name says, a browser, a report."""

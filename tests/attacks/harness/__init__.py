"""The parts that attacks need: a server on a database, a provider whose behavior follows the model name, a browser, a report."""

"""The service: predictions over HTTP."""

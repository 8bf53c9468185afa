"""The service: webhooks, database, queue, RQ worker, forges, API and web pages."""

"""The card of a project's web service, for all pages that show it."""

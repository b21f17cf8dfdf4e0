"""Release a project's bundles by number, show changes and the current release, and roll back."""

"""Projects: found, begun, gone on with, put into the trash."""

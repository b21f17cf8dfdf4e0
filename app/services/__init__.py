"""The use cases. No Qt: the window and the command line both drive these, and only these write the database."""

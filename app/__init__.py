"""The application: window controllers, command line, services and database."""

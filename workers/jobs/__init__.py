"""Functions of job kinds that belong to no other package."""

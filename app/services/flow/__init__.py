"""Provide steps, their driver, the store of job results, quiet waits and kept measurements for use cases."""

"""What every use case needs: steps, their driver, the store of what jobs wrote, quiet, measurements that are kept."""

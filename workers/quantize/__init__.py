"""Make models smaller and faster with fewer bits for weights and activations."""

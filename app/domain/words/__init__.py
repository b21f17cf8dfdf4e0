"""Put measured facts into sentences."""

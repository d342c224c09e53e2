"""What the tiers do with what they hold."""

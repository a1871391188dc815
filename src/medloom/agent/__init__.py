"""What runs at a plant: sources, mapping, store and session. It reads, translates and never judges."""

"""What was measured and how it was judged."""

"""Values that exist, offered while a scope is typed."""

"""What people ask for, one use case a file. Nothing else writes intent."""

"""What people and agents use of finished work: ranking and verification."""

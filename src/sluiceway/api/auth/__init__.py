"""Finds the caller of a request, checks their right, and limits them."""

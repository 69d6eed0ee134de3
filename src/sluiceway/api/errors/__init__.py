"""What both APIs refuse with: the codes, what they mean, and how a refusal leaves."""

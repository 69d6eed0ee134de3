"""Turning intent into effect. The rules are in the domain; here they are only carried out, in the right order."""

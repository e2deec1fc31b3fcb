"""What a reviewer who trusts nobody asks for: what shows that everything is what it says it is."""

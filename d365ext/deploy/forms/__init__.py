"""What we put into forms that belong to others: making it, putting it in, taking it out. Pure."""

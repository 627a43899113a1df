"""The metadata plane: reading and writing definitions over the Web API."""

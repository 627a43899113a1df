"""The sales messages: how leads, opportunities, quotes and orders live and end."""

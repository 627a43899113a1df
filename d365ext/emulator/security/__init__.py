"""Who may do what: roles, privileges, column security."""

"""Definition documents, in the Web API's form: what a table, column, choice, relationship or key is."""
